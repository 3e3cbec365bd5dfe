// An app that talks on sockets with @fal-ai/client. Bytes are `{"$bytes": base64}` both ways.
import { fal } from "@fal-ai/client";
import { WebSocket } from "undici";
import { main } from "./acts.mjs";

const warnings = [];
console.warn = (said) => warnings.push(said);

// What an app sees of the sockets that the client opens. Node 20 has none of its own.
const closes = [];
let opened = 0;
let changed = () => {};
globalThis.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    opened += 1;
    this.addEventListener("close", ({ code }) => {
      closes.push(code);
      changed();
    });
  }
};

const until = async (holds) => {
  while (!holds()) await new Promise((resolve) => (changed = resolve));
};

const told = (value) => {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(told);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, told(item)]));
};

const given = (value) => {
  if (Array.isArray(value)) return value.map(given);
  if (value === null || typeof value !== "object") return value;
  if ("$bytes" in value) return new Uint8Array(Buffer.from(value.$bytes, "base64"));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, given(item)]));
};

// A conversation: `["send", message]`; `["seen", n]` waits for n results and errors in all, `["closed", n]` for n closes.
// `asText` has the client send JSON text; `token` is what the app's server gives it.
async function realtime({ app, steps, asText, token, ...options }) {
  const seen = [];
  closes.length = warnings.length = opened = 0;
  const happened = (event) => {
    seen.push(event);
    changed();
  };
  if (asText) options.encodeMessage = (input) => (typeof input === "string" ? input : JSON.stringify(input));
  if (token) options.tokenProvider = async () => token;
  const connection = fal.realtime.connect(app, {
    throttleInterval: 0,
    onResult: (result) => happened({ result: told(result) }),
    onError: ({ name, message, status }) => happened({ raised: name, message, status }),
    ...options,
  });
  for (const [step, argument] of steps) {
    if (step === "send") connection.send(given(argument));
    else await until(() => (step === "seen" ? seen : closes).length >= argument);
  }
  const result = { seen, closes: [...closes], opened, warned: warnings.length };
  connection.close();
  return result;
}

await main({ realtime });
process.exit();
