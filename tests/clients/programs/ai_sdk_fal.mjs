// An app that makes a picture with Vercel's AI SDK and its provider for fal. The SDK downloads the picture itself.
import { createHash } from "node:crypto";
import { fal } from "@ai-sdk/fal";
import { generateImage } from "ai-7";

const model = fal.image(process.argv[2]);
try {
  const { image } = await generateImage({ model, prompt: "a cat", maxRetries: 0 });
  console.log(JSON.stringify({ sha256: createHash("sha256").update(image.uint8Array).digest("hex") }));
} catch (error) {
  const complaints = [];
  for (let cause = error; cause; cause = cause.cause) complaints.push(cause.message);
  console.log(JSON.stringify({ refused: complaints.join(": ") }));
}
