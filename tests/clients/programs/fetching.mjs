// An app that fetches with nothing but what Node has: fetch over HTTP/1.1, node:http2 over HTTP/2.
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import tls from "node:tls";
import { main } from "./acts.mjs";

const ca = readFileSync(process.env.NODE_EXTRA_CA_CERTS);
const code = (error) => error.cause?.code ?? error.code ?? error.name;

async function byFetch({ url, headers, body = "{}" }) {
  let answer;
  try {
    answer = await fetch(url, { method: "POST", body, headers });
  } catch (error) {
    return { noAnswer: code(error) };
  }
  const seen = { status: answer.status, type: answer.headers.get("content-type") };
  try {
    seen.text = await answer.text();
  } catch (error) {
    seen.brokeOff = code(error);
  }
  return seen;
}

const tunnel = ({ hostname }) =>
  new Promise((resolve, reject) => {
    const proxy = new URL(process.env.HTTPS_PROXY);
    const options = { host: proxy.hostname, port: proxy.port, method: "CONNECT", path: `${hostname}:443` };
    const asked = http.request(options).on("error", reject).end();
    asked.on("connect", (_, socket) => {
      const secure = tls.connect({ socket, servername: hostname, ALPNProtocols: ["h2"], ca });
      secure.once("secureConnect", () => resolve(secure)).once("error", reject);
    });
  });

async function byHttp2({ url, headers }) {
  const target = new URL(url);
  const socket = await tunnel(target);
  const session = http2.connect(target.origin, { createConnection: () => socket });
  session.on("error", () => {});
  const seen = {};
  await new Promise((resolve) => {
    const stream = session.request({ ":method": "POST", ":path": target.pathname, ...headers });
    const parts = [];
    stream.on("response", (answer) => Object.assign(seen, { status: answer[":status"], type: answer["content-type"] }));
    stream.on("data", (part) => parts.push(part));
    stream.on("end", () => (seen.text = Buffer.concat(parts).toString()));
    stream.on("error", (error) => {
      delete seen.text;
      seen[seen.status ? "brokeOff" : "noAnswer"] = code(error);
    });
    stream.on("close", resolve);
    stream.end("{}");
  });
  session.destroy();
  return seen;
}

await main({ byFetch, byHttp2 });
