// A web app. Its page calls fal by itself, through the app's backend, and through fal's server-side proxy, as Next.js runs it.
import { createServer } from "node:http";
import proxy from "@fal-ai/server-proxy/nextjs";
import { run } from "./calls.mjs";

const PAGE = `<!doctype html><p id="backend"></p><p id="page"></p><p id="proxy"></p><script type="module">
  const show = async (id, answer) => (document.getElementById(id).textContent = JSON.stringify(await (await answer).json()));
  const prompt = new URLSearchParams(location.search).get("prompt");
  const headers = { "content-type": "application/json", "x-fal-target-url": "https://fal.run/fal-ai/flux/dev" };
  const options = { method: "POST", headers, body: JSON.stringify({ prompt }) };
  await show("backend", fetch("/api/run?prompt=" + prompt));
  await show("proxy", fetch("/api/fal/proxy", options));
  await show("page", fetch("https://fal.run/fal-ai/flux/dev", options));
</script>`;
console.warn = () => {}; // it advises to restrict the endpoints
const route = proxy.createRouteHandler();

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://app");
  if (pathname === "/") return response.setHeader("content-type", "text/html").end(PAGE);
  if (pathname === "/api/run") return response.end(JSON.stringify(await run(searchParams.get("prompt"))));
  if (pathname !== "/api/fal/proxy") return response.writeHead(404).end();
  const { method, headers, url } = request;
  const answer = await route[method](new Request(`http://app${url}`, { method, headers, body: Buffer.concat(await request.toArray()) }));
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end(await answer.text());
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
