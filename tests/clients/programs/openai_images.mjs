// An app that makes images with OpenAI's SDK, at OpenAI or at Azure: see `main` for how it is told what to do. Where the API is, and the key, is in the environment.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import OpenAI, { AzureOpenAI } from "openai";
import { main } from "./acts.mjs";

const client = process.env.AZURE_OPENAI_ENDPOINT ? new AzureOpenAI() : new OpenAI();
const digest = (content) => createHash("sha256").update(content).digest("hex");

async function attempt(promise, told) {
  try {
    return await told(await promise);
  } catch (error) {
    return { raised: error.constructor.name, status: error.status, error: error.error, id: error.requestID };
  }
}

const images = (answer) => ({
  created: answer.created,
  images: answer.data.map(({ url, b64_json, revised_prompt }) => ({
    url: url ?? null,
    content: b64_json ? digest(Buffer.from(b64_json, "base64")) : null,
    prompt: revised_prompt ?? null,
  })),
  id: answer._request_id,
});

const contents = ({ data }) => data.map(({ url, b64_json }) => url ?? b64_json);

await main({
  generate: (options) => attempt(client.images.generate(options), images),

  edit({ images: paths, mask, ...options }) {
    const opened = paths.map((path) => createReadStream(path));
    const image = opened.length === 1 ? opened[0] : opened;
    const more = mask ? { mask: createReadStream(mask) } : {};
    return attempt(client.images.edit({ image, ...more, ...options }), contents);
  },

  // An edit in JSON, for which the SDK has no method.
  refer: (body) => attempt(client.post("/images/edits", { body }), contents),

  stream: (options) =>
    attempt(client.images.generate({ ...options, stream: true }), async (events) => {
      const seen = [];
      for await (const event of events) seen.push({ ...event, b64_json: digest(Buffer.from(event.b64_json, "base64")) });
      return seen;
    }),

  vary: ({ image, ...options }) => attempt(client.images.createVariation({ image: createReadStream(image), ...options }), images),

  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    return names;
  },

  model: ({ wanted }) => attempt(client.models.retrieve(wanted), (model) => model),

  async show({ url }) {
    const answer = await fetch(url);
    const content = digest(Buffer.from(await answer.arrayBuffer()));
    return { status: answer.status, type: answer.headers.get("content-type"), content };
  },
});
