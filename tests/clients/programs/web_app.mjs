// A web app: it serves its pages, calls fal for them with the app's key, and hands out tokens with which they call fal.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fal } from "@fal-ai/client";
import { serve } from "./acts.mjs";
import { bundle } from "./bundle.mjs";

const PAGES = new URL("../pages/", import.meta.url);
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };
const HEADERS = {
  Authorization: `Key ${process.env.FAL_KEY}`,
  Accept: "application/json",
  "Content-Type": "application/json",
};
const APPS = ["echo", "image", "llm", "slow", "waiting"];

const client = bundle("@fal-ai/client");

async function generate(input) {
  const { data } = await fal.subscribe("test/image", { input, pollInterval: 100 });
  return data;
}

async function token() {
  const answer = await fetch("https://rest.fal.ai/tokens/", {
    method: "POST",
    headers: HEADERS,
    body: JSON.stringify({ allowed_apps: APPS, token_expiration: 120 }),
  });
  if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
  return { token: await answer.json() };
}

// What `proxyUrl` of the client is for: the call goes on to where its header says, with the key of the app.
async function proxy(request, body) {
  const answer = await fetch(request.headers["x-fal-target-url"], {
    method: request.method,
    headers: HEADERS,
    body: body.length ? body : undefined,
  });
  const headers = {};
  for (const name of ["content-type", "x-fal-request-id"]) {
    if (answer.headers.has(name)) headers[name] = answer.headers.get(name);
  }
  return [answer.status, headers, Buffer.from(await answer.arrayBuffer())];
}

async function answer(request, body) {
  const { pathname } = new URL(request.url, "http://app");
  const json = (value) => [200, { "content-type": "application/json" }, JSON.stringify(value)];
  if (pathname === "/api/generate") return json(await generate(JSON.parse(body)));
  if (pathname === "/api/token") return json(await token());
  if (pathname === "/api/fal/proxy") return proxy(request, body);
  if (pathname === "/fal.js") return [200, { "content-type": TYPES[".js"] }, client];
  return [200, { "content-type": TYPES[extname(pathname)] }, readFileSync(new URL(pathname.slice(1), PAGES))];
}

const server = createServer(async (request, response) => {
  try {
    const chunks = await request.toArray();
    const [status, headers, content] = await answer(request, Buffer.concat(chunks));
    response.writeHead(status, headers).end(content);
  } catch (error) {
    response.writeHead(500, { "content-type": "text/plain" }).end(String(error.stack));
  }
});

await serve(server);
