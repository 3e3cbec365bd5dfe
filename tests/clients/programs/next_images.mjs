// A Next.js app without pages in the folder argv[2], in production mode. Its image optimizer is asked for the picture argv[3].
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import next from "next";

const [dir, picture] = process.argv.slice(2);

// What `next build` makes of an app without pages. The build itself needs a compiler, which is a large download.
const built = {
  BUILD_ID: "built",
  "build-manifest.json": { pages: {}, devFiles: [], polyfillFiles: [], lowPriorityFiles: [], rootMainFiles: [] },
  "prerender-manifest.json": { version: 4, routes: {}, dynamicRoutes: {}, notFoundRoutes: [] },
  "routes-manifest.json": {
    version: 3,
    basePath: "",
    rewrites: [],
    redirects: [],
    headers: [],
    onMatchHeaders: [],
    staticRoutes: [],
    dynamicRoutes: [],
    dataRoutes: [],
  },
  "server/functions-config-manifest.json": { version: 1, functions: {} },
  "server/middleware-manifest.json": { version: 3, middleware: {}, functions: {}, sortedMiddleware: [] },
  "server/next-font-manifest.json": {},
  "server/pages-manifest.json": {},
  "server/preview-props.json": { previewModeId: "", previewModeSigningKey: "", previewModeEncryptionKey: "" },
  "static/built/_buildManifest.js": "",
};
const images = { remotePatterns: [{ protocol: "https", hostname: "**.fal.media" }] };
await writeFile(join(dir, "next.config.mjs"), `export default ${JSON.stringify({ images })};`);
for (const [name, content] of Object.entries(built)) {
  const path = join(dir, ".next", name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
}

const logged = [];
console.error = (...parts) => logged.push(parts.join(" "));
const app = next({ dev: false, dir });
await app.prepare();
const server = createServer(app.getRequestHandler()).listen(0, "127.0.0.1");
await once(server, "listening");
const query = new URLSearchParams({ url: picture, w: "640", q: "75" });
const response = await fetch(`http://127.0.0.1:${server.address().port}/_next/image?${query}`);
const body = Buffer.from(await response.arrayBuffer());
const answer = response.ok
  ? { sha256: createHash("sha256").update(body).digest("hex") }
  : { refused: [body.toString(), ...logged].join(": ") };
console.log(JSON.stringify(answer));
process.exit();
