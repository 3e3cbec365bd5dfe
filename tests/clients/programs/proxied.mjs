// An app that uses @fal-ai/client by way of a server-side proxy, whose URL is in PROXY_URL.
import { fal } from "@fal-ai/client";
import { acts, main } from "./acts.mjs";

fal.config({ proxyUrl: { url: process.env.PROXY_URL, when: "always" } });

await main(acts(fal));
