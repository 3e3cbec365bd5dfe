// An app that makes and changes images with Vercel's AI SDK: see `main` for how it is told what to do. Where the API is, and the key,
// is in the environment.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";
import { main } from "./acts.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const setup = { baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY };
const openai = createOpenAI(setup);
const compatible = createOpenAICompatible({ name: "falmock", ...setup });
const providers = { openai: (id) => openai.image(id), compatible: (id) => compatible.imageModel(id) };

await main({
  async image({ provider, model, text, images, mask, ...options }) {
    const prompt = images
      ? { text, images: await Promise.all(images.map((path) => readFile(path))), ...(mask ? { mask: await readFile(mask) } : {}) }
      : text;
    try {
      const answer = await generateImage({ model: providers[provider](model), prompt, maxRetries: 0, ...options });
      return answer.images.map((image) => createHash("sha256").update(image.uint8Array).digest("hex"));
    } catch (error) {
      return { raised: error.constructor.name, status: error.statusCode ?? null, message: error.message };
    }
  },
});
