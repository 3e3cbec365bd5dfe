// The package without a runner of its own, by the one that comes with Node.js.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { FalmockError, inheritedFalmock, startFalmock } from "falmock";

const FLUX = "fal-ai/flux/dev";
const CALL = ["-e", 'import("./calls.mjs").then(async ({ run }) => console.log(JSON.stringify(await run("a cat"))))'];
let falmock;

before(async () => (falmock = await startFalmock()));
after(() => falmock.stop());

const runs = (scope) => promisify(execFile)("node", CALL, { env: { ...process.env, ...scope.environment } });
const isOver = async (url) => !(await fetch(`${url}/__falmock/health`).then(() => true, () => false));

test("two scopes side by side", async () => {
  const [one, two] = [falmock.scope("one"), falmock.scope("tests/two.test.js > it's ünïque")];
  await two.add([{ match: { model: FLUX }, response: { json: { seed: 2 } } }]);
  const found = await Promise.all([one, two, one].map(runs));
  assert.deepEqual(found.map(({ stdout }) => JSON.parse(stdout).seed), [7, 2, 7]);
  await one.verify([{ endpoint: FLUX, times: 2 }]);
  await two.verify({ calls: [{ endpoint: FLUX, times: 1 }], nothing_unmatched: true, fixtures_used: "added" });
  assert.deepEqual(await falmock.journal(), []);
});

test("a program without a scope belongs to the default one", async () => {
  await runs(falmock);
  assert.equal((await falmock.journal()).length, 1);
  await falmock.reset();
});

test("a program ends when it is done, though its connection to fal is kept alive", async () => {
  const program = 'import("./calls.mjs").then(async ({ run }) => { await run("a cat"); console.log(Date.now()); })';
  const { stdout } = await promisify(execFile)("node", ["-e", program], { env: { ...process.env, ...falmock.environment } });
  const idle = Date.now() - Number(stdout);
  assert.ok(idle < 2500, `it ended after ${idle} ms`); // undici's keep-alive is 4 s
  await falmock.reset();
});

test("the server of another process", async () => {
  const environment = falmock.scope("outer").environment;
  const inner = await inheritedFalmock({ ...environment, NO_PROXY: "localhost" });
  assert.equal(inner.url, falmock.url);
  assert.match(inner.scope("inner").environment.https_proxy, /^http:\/\/inner:x@127\.0\.0\.1:/);
  assert.deepEqual(Object.keys(inner.environment).sort(), [...falmock.proxied, "FALMOCK_URL"].sort());
  assert.equal(await inheritedFalmock({}), undefined);
  await assert.rejects(inheritedFalmock({ FALMOCK_URL: "http://127.0.0.1:9" }), /FALMOCK_URL=.*does not answer.*unset it/s);
});

test("what is refused says why", async () => {
  const isTold = (error) => error instanceof FalmockError && error.status === 404 && /job/.test(error.message);
  await assert.rejects(falmock.job("none"), isTold);
});

test("a server that cannot start says why", async () => {
  await assert.rejects(startFalmock({ pace: "slow" }), /--pace slow did not start: it ended with 2\n.*--pace/s);
  await writeFile("broken.json", '{"fixtures": [{"match": {"modle": "x"}}]}');
  await assert.rejects(startFalmock({ fixtures: "broken.json" }), /did not start: it ended with 1\n.*broken\.json.*model/s);
  await assert.rejects(startFalmock({ command: ["./nothing"] }), /\.\/nothing serve .*it cannot be started: spawn/s);
  await assert.rejects(startFalmock({ command: ["sleep"], startSeconds: 0.2 }), /sleep serve .* did not start: it /s);
});

test("a mode that forwards needs a key", async () => {
  await assert.rejects(startFalmock({ mode: "record" }), /mode record forwards calls to fal.*set FAL_KEY/);
  await assert.rejects(startFalmock({ env: { FALMOCK_MODE: "auto" } }), /mode auto forwards/);
});

test("a server ends with its process", async () => {
  const program = 'require("falmock").startFalmock().then(({ url }) => console.log(url)); setInterval(() => {}, 1000)';
  const child = spawn("node", ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  child.kill("SIGKILL");
  for (let tries = 0; !(await isOver(String(line).trim())); tries += 1) {
    assert.ok(tries < 100, "it is still there");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

test("a process ends though it has not stopped its server", async () => {
  const program = 'require("falmock").startFalmock().then(({ url }) => console.log(url))';
  const { stdout } = await promisify(execFile)("node", ["-e", program]);
  assert.ok(await isOver(stdout.trim()));
});

test("import and require give the same", () => {
  assert.equal(createRequire(import.meta.url)("falmock").startFalmock, startFalmock);
});
