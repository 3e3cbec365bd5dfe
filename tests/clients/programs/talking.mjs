// An app that listens to streams and talks on sockets with @fal-ai/client. Bytes are `{"$bytes": base64}` both ways.
import { fal } from "@fal-ai/client";
import { acts, main, tokenProvider } from "./acts.mjs";

const seenBytes = (value) => {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(seenBytes);
  if (typeof value === "bigint") return { $big: String(value) };
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, seenBytes(item)]));
  }
  return value;
};

const givenBytes = (value) => {
  if (Array.isArray(value)) return value.map(givenBytes);
  if (value && typeof value === "object") {
    if ("$bytes" in value) return new Uint8Array(Buffer.from(value.$bytes, "base64"));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, givenBytes(item)]));
  }
  return value;
};

// Sends each input and waits for `answers` results before the next.
async function realtime({ app, inputs, answers, ...options }) {
  const seen = [];
  let came = () => {};
  const told = (value) => {
    seen.push(value);
    came();
  };
  const connection = fal.realtime.connect(app, {
    throttleInterval: 0,
    tokenProvider,
    onResult: (result) => told(seenBytes(result)),
    onError: ({ name, message, status }) => told({ raised: name, message, status }),
    ...options,
  });
  for (const input of inputs) {
    const enough = seen.length + answers;
    connection.send(givenBytes(input));
    while (seen.length < enough) await new Promise((resolve) => (came = resolve));
  }
  connection.close();
  return seen;
}

await main({ ...acts(fal), realtime });
