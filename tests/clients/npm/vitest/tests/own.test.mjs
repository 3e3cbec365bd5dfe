// A falmock for this file, with options of its own.
import { useFalmock } from "falmock/vitest";
import { expect, test } from "vitest";
import { run, submit } from "../calls.mjs";

const inherited = process.env.FALMOCK_URL;
const falmock = useFalmock({
  fixtures: "fixtures",
  pace: "manual",
  options: { max_jobs: 10 },
  faults: [{ match: { model: "fal-ai/flux/dev", call: "run" }, fault: { error: "runner_disconnected" } }],
});

test("moves jobs by hand", async () => {
  expect(falmock.url).not.toBe(inherited);
  const { request_id: id } = await submit("a cat");
  expect((await falmock.job(id)).state).toBe("queued");
  await falmock.advance();
  expect((await falmock.jobs()).map((job) => job.state)).toEqual(["running"]);
  expect((await falmock.advance(id)).state).toBe("finished");
  expect(await falmock.advance()).toEqual([]);
});

test("has its faults in every test", async () => {
  expect(await run("a cat")).not.toEqual({ seed: 7 });
});

test.concurrent("fails: at the same time as the next", async () => {
  await new Promise((resolve) => setTimeout(resolve, 200));
});
test.concurrent("fails: at the same time as the last", async () => {});
