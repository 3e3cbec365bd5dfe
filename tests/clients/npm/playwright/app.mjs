// A web app: its page calls fal by itself, and its backend calls fal for it. Its own origin has no proxy.
import { createServer } from "node:http";
import { run } from "./calls.mjs";

const PAGE = `<!doctype html><p id="backend"></p><p id="page"></p><script type="module">
  const show = (id, value) => (document.getElementById(id).textContent = JSON.stringify(value));
  const prompt = new URLSearchParams(location.search).get("prompt");
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ prompt }) };
  show("backend", await (await fetch("/api/run?prompt=" + prompt)).json());
  show("page", await (await fetch("https://fal.run/fal-ai/flux/dev", options)).json());
</script>`;

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://app");
  if (pathname === "/") return response.setHeader("content-type", "text/html").end(PAGE);
  if (pathname === "/api/run") return response.end(JSON.stringify(await run(searchParams.get("prompt"))));
  response.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
