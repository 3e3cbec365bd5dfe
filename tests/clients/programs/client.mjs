// An app that uses @fal-ai/client: see `main` for how it is told what to do.
import { fal } from "@fal-ai/client";
import { acts, main, tokenProvider } from "./acts.mjs";

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

const stream = (options) => acts(fal).stream(options.connectionMode ? { ...options, tokenProvider } : options);

await main({ ...acts(fal), run: runAndLog, stream });
