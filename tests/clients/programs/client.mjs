// An app that uses @fal-ai/client: see `main` for how it is told what to do.
import { fal } from "@fal-ai/client";
import { acts, main } from "./acts.mjs";

// The ids that the answers carried in their headers, for an app that keeps them in a log of its own.
let ids = [];
fal.config({
  fetch: async (...args) => {
    const answer = await fetch(...args);
    ids.push(answer.headers.get("x-fal-request-id"));
    return answer;
  },
});

async function runAndLog(options) {
  ids = [];
  return { ...(await acts(fal).run(options)), ids };
}

// What a page is given by the server of its app.
async function tokenProvider(app) {
  const answer = await fetch("https://rest.fal.ai/tokens/", {
    method: "POST",
    headers: { Authorization: `Key ${process.env.FAL_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ allowed_apps: [app.split("/")[1]], token_expiration: 120 }),
  });
  return answer.json();
}

const stream = (options) => acts(fal).stream(options.connectionMode ? { ...options, tokenProvider } : options);

await main({ ...acts(fal), run: runAndLog, stream });
