// An app that makes images and videos by way of Hugging Face's client, with a fal key or a token of Hugging Face's.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { InferenceClient } from "@huggingface/inference";

const acts = {
  image: (client, options) => client.textToImage(options, { outputType: "blob" }),
  video: (client, options) => client.textToVideo(options),
};

async function act(name, { key, model, prompt }) {
  try {
    const blob = await acts[name](new InferenceClient(key), { provider: "fal-ai", model, inputs: prompt });
    return { sha256: createHash("sha256").update(Buffer.from(await blob.arrayBuffer())).digest("hex") };
  } catch (error) {
    return { raised: error.name, message: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, options] = JSON.parse(line);
  console.log(JSON.stringify(await act(name, options)));
}
