// The falmock of the global setup, with require.
const { useFalmock } = require("falmock/jest");

const FLUX = "fal-ai/flux/dev";
const falmock = useFalmock();
let calls;

beforeAll(async () => {
  calls = await import("../calls.mjs");
});

test("answers all calls of a test in its scope", async () => {
  const { run, runByHttps, runInAnotherProcess } = calls;
  expect([await run("a cat"), await runByHttps("a cat"), await runInAnotherProcess("a cat")]).toEqual(Array(3).fill({ seed: 7 }));
  expect(process.env.HTTPS_PROXY).toContain(falmock.name);
  await falmock.verify([{ endpoint: FLUX, times: 3 }]);
});

test("begins a scope of its own", async () => {
  expect(await falmock.journal()).toEqual([]);
});

test("fails: a miss", async () => {
  await calls.run("a dog");
});
