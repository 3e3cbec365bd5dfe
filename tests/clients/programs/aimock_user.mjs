// An app as aimock's users have it: no proxy, a function that rewrites the URLs of the client.
import { fal } from "@fal-ai/client";
import { acts, main } from "./acts.mjs";

fal.config({
  credentials: process.env.FAL_KEY,
  requestMiddleware: async (request) => {
    const url = new URL(request.url);
    const headers = { ...request.headers, "x-fal-target-host": url.host, "X-Test-Id": process.env.TEST_ID };
    return { ...request, url: `${process.env.AIMOCK_URL}/fal${url.pathname}${url.search}`, headers };
  },
});

await main(acts(fal));
