// What an app does with a fal client, whichever of the two it is. Arguments and what is seen are plain JSON.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";

const pollInterval = 100;

// What a promise came to; an error with what an app can read off it.
export async function attempt(promise) {
  try {
    return (await promise) ?? null;
  } catch (error) {
    const { name, message, status, body, requestId, timeoutType, fieldErrors } = error;
    return { raised: name, message, status, body, requestId, timeoutType, fieldErrors };
  }
}

export const acts = (fal) => ({
  run: ({ app, ...options }) => attempt(fal.run(app, options)),

  // Run or subscribe to each app, all at once: the client waits long between its attempts.
  async each({ apps, ...options }) {
    const runs = apps.map(async (app) => [
      app,
      { run: await attempt(fal.run(app, options)), subscribe: await attempt(fal.subscribe(app, { ...options, pollInterval })) },
    ]);
    return Object.fromEntries(await Promise.all(runs));
  },

  async subscribe({ app, ...options }) {
    const updates = [];
    const onQueueUpdate = (update) => updates.push(update);
    let id = null;
    const onEnqueue = (requestId) => (id = requestId);
    const result = await attempt(fal.subscribe(app, { ...options, onEnqueue, onQueueUpdate, pollInterval }));
    return { id, updates, result };
  },

  // Submit to each app, and come back for the answer with nothing but the request id.
  async submit({ apps }) {
    const seen = {};
    for (const app of apps) {
      const job = await fal.queue.submit(app, { input: {} });
      const requestId = job.request_id;
      seen[app] = {
        id: requestId,
        urls: [job.response_url, job.status_url, job.cancel_url],
        status: await fal.queue.status(app, { requestId }),
        result: await fal.queue.result(app, { requestId }),
        "result again": await fal.queue.result(app, { requestId }),
      };
    }
    return seen;
  },

  // Submit and cancel; `look` asks for the status in between.
  async cancel({ app, look = true }) {
    const { request_id: requestId } = await fal.queue.submit(app, { input: {} });
    const before = look ? await fal.queue.status(app, { requestId }) : null;
    const cancel = await attempt(fal.queue.cancel(app, { requestId }));
    const after = await fal.queue.status(app, { requestId });
    await fal.queue.subscribeToStatus(app, { requestId, pollInterval });
    return {
      before,
      cancel,
      after,
      result: await attempt(fal.queue.result(app, { requestId })),
      "cancel again": await attempt(fal.queue.cancel(app, { requestId })),
    };
  },

  // Read a stream in the two ways that there are, as it comes and in a loop; after `enough` events stop it.
  async stream({ app, enough, ...options }) {
    const stream = await fal.stream(app, options);
    const [told, taken] = [[], []];
    stream.on("data", (event) => told.push(plain(event)));
    const done = attempt(stream.done());
    for await (const event of stream) {
      taken.push(plain(event));
      if (taken.length === enough) {
        stream.abort();
        break;
      }
    }
    return { told, taken, done: plain(await done), requestId: stream.requestId ?? null };
  },

  // Submit, ask to be told of the end, and ask no more; `stop` cancels.
  async order({ app, webhook, arguments: input, stop }) {
    const { request_id: requestId } = await fal.queue.submit(app, { input, webhookUrl: webhook });
    if (stop) await fal.queue.cancel(app, { requestId });
    return requestId;
  },

  askAfter: async ({ app, requestId }) => ({
    status: await attempt(fal.queue.status(app, { requestId })),
    result: await attempt(fal.queue.result(app, { requestId })),
    cancel: await attempt(fal.queue.cancel(app, { requestId })),
  }),

  upload: async ({ path, type }) => attempt(fal.storage.upload(await open(path, type))),

  // Have a picture changed: the client uploads a file that it finds in the input.
  restyle: async ({ app, path }) => attempt(fal.run(app, { input: { image_url: await open(path, "image/jpeg") } })),

  async download({ url, headers }) {
    const answer = await fetch(url, { headers });
    const content = Buffer.from(await answer.arrayBuffer());
    return {
      status: answer.status,
      type: answer.headers.get("content-type"),
      size: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
    };
  },
});

// An event; bytes, which are no JSON, in base64.
const plain = (event) => (event instanceof Uint8Array ? { base64: Buffer.from(event).toString("base64") } : event);

const open = async (path, type) => new File([await openAsBlob(path)], basename(path), { type });

// Does what each line of the standard input asks, `[act, arguments]`, and prints a line with what it saw.
export async function main(acts) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [act, options] = JSON.parse(line);
    console.log(JSON.stringify(await acts[act](options)));
  }
}

// What a page is given by the server of its app.
export async function tokenProvider(app) {
  const answer = await fetch("https://rest.fal.ai/tokens/", {
    method: "POST",
    headers: { Authorization: `Key ${process.env.FAL_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ allowed_apps: [app.split("/")[1]], token_expiration: 120 }),
  });
  return answer.json();
}

// A server that says where it listens when it is asked to, until nobody asks any more.
export async function serve(server) {
  async function listen() {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${server.address().port}`;
  }
  await main({ listen });
  server.close();
  server.closeAllConnections();
}
