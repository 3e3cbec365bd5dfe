// The falmock of the global setup.
import { useFalmock } from "falmock/vitest";
import { afterAll, describe, expect, test } from "vitest";
import { run, runByHttps, runInAnotherProcess } from "../calls.mjs";

const FLUX = "fal-ai/flux/dev";
const inherited = process.env.FALMOCK_URL;
const falmock = useFalmock();

test("answers fetch", async () => {
  expect(await run("a cat")).toEqual({ seed: 7 });
  expect(falmock.url).toBe(inherited);
  await falmock.verify([{ endpoint: FLUX, input: { prompt: "a cat" }, times: 1 }]);
});

describe("a scope of its own", () => {
  test("has all calls of the test", async () => {
    expect(await falmock.journal()).toEqual([]);
    expect([await run("a cat"), await runByHttps("a cat"), await runInAnotherProcess("a cat")]).toEqual(Array(3).fill({ seed: 7 }));
    await falmock.verify([{ endpoint: FLUX, times: 3 }]);
  });

  test("loses what another test has added", async () => {
    const { added } = await falmock.add({ match: { model: FLUX }, response: { json: { seed: 8 } } });
    expect(await runByHttps("a cat")).toEqual({ seed: 8 });
    await falmock.remove(added);
    expect(await runByHttps("a cat")).toEqual({ seed: 7 });
  });

  test("says what was not called as expected", async () => {
    await run("a cat");
    await expect(falmock.verify([{ endpoint: FLUX, times: 2 }])).rejects.toThrow("expected 2 of any call of a model, endpoint fal-ai/flux/dev, found 1");
    await expect(falmock.add({ match: { modle: FLUX } })).rejects.toThrow("modle");
  });
});

test("a fault is injected", async () => {
  await falmock.setFaults([{ match: { model: FLUX }, fault: { error: "runner_disconnected", times: 1 } }]);
  expect(await run("a cat")).not.toEqual({ seed: 7 });
  expect(await run("a cat")).toEqual({ seed: 7 });
});

test("may miss", async () => {
  falmock.allowMisses();
  await run("a dog");
  expect(await falmock.misses()).toHaveLength(1);
});

test("fails: a miss", async () => {
  await run("a dog");
  await run("a dog");
});

test("is empty when it is tried again", { retry: 1 }, async ({ task }) => {
  expect(await falmock.journal()).toEqual([]);
  await run("a cat");
  expect(task.result.retryCount).toBe(1);
});

afterAll(() => {
  expect(process.env.HTTPS_PROXY).toContain(falmock.name);
});
