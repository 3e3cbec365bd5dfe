// The server of an app with fal's own server-side proxy, @fal-ai/server-proxy: its Express handler, and that of Next's app router.
import { createServer } from "node:http";
import Module from "node:module";
import { Readable } from "node:stream";
import express from "express";
import { serve } from "./acts.mjs";

// Of Next itself the handler needs one class, which is the platform's but for its cookies.
const load = Module._load;
Module._load = (name, ...rest) => (name === "next/server" ? { NextResponse: Response } : load(name, ...rest));
console.warn = () => {}; // it advises to restrict the endpoints
const { createHandler } = (await import("@fal-ai/server-proxy/express")).default;
const { createRouteHandler } = (await import("@fal-ai/server-proxy/nextjs")).default;

const handlers = createRouteHandler();

// As Next calls a route handler: other methods than it exports are 405, what it throws is 500.
async function next(request, response) {
  const body = Buffer.concat(await request.toArray());
  const { method, headers, url } = request;
  const handler = handlers[method];
  if (!handler) return response.writeHead(405).end();
  try {
    const asked = new Request(`http://app${url}`, { method, headers, body: method === "GET" ? undefined : body });
    const answer = await handler(asked);
    response.writeHead(answer.status, answer.statusText, Object.fromEntries(answer.headers));
    if (answer.body) Readable.fromWeb(answer.body).pipe(response);
    else response.end();
  } catch {
    response.writeHead(500).end();
  }
}

const app = express();
app.use("/express", express.json(), createHandler());
app.use("/next", next);
const server = createServer(app);

await serve(server);
