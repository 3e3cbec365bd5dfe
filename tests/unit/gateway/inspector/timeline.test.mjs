import assert from "node:assert/strict";
import test from "node:test";
import {
  axis,
  endOf,
  fromZero,
  layout,
  sinceSubmit,
  statesOf,
  story,
  ticks,
  wordOf,
} from "../../../../addon/falmock/gateway/inspector/static/timeline.js";

const job = (more) => ({
  request_id: "a",
  state: "finished",
  error: null,
  submitted: 100,
  started: 102,
  ended: 110,
  ...more,
});

test("a finished job with an error has failed", () => {
  assert.equal(wordOf(job()), "finished");
  assert.equal(wordOf(job({ error: "no" })), "failed");
  assert.equal(wordOf(job({ state: "cancelled", error: "no" })), "cancelled");
});

test("a live job goes on until now, and a webhook after the end counts", () => {
  assert.equal(endOf(job({ state: "running", ended: null }), 120), 120);
  assert.equal(endOf(job({ webhook: { url: "x", attempts: [{ at: 113, status: 200 }] } }), 120), 113);
});

test("the axis shows the newest jobs, back to a minute without any", () => {
  const old = job({ submitted: 0, ended: 5 });
  assert.deepEqual(axis([job(), old], 200), { from: 100, to: 100 + 10 * 1.02 });
  assert.equal(axis([job({ submitted: 50 }), old], 200).from, 0);
  assert.deepEqual(axis([], 7), { from: 6, to: 7 });
  assert.ok(axis([job({ ended: 100 })], 100).to >= 101);
});

test("a job that waits for long does not squeeze the others", () => {
  const held = job({ state: "queued", submitted: 100, started: null, ended: null });
  assert.deepEqual(axis([held], 110), { from: 100, to: 100 + 10 * 1.02 });
  const { from, to } = axis([held, job()], 1000);
  assert.deepEqual([from, to], [100, 100 + 60 * 1.02]);
  assert.equal(layout(held, { from, to }, 1000).bars[0].to, 1);
  assert.equal(axis([held, job({ submitted: 1000, ended: 1010 })], 1010).from, 1000);
});

test("an axis of jobs that begin at 0 is as long as the longest", () => {
  assert.deepEqual(sinceSubmit([job(), job({ ended: 104 })], 0), { from: 0, to: 10.2 });
});

test("marks are at round times", () => {
  assert.deepEqual(
    ticks({ from: 100, to: 110 }),
    [0, 5, 10].map((value) => ({ at: value / 10, value })),
  );
  assert.equal(ticks({ from: 0, to: 1e6 }).length, 4);
});

test("bars lie where the states were, clipped to the axis", () => {
  const found = layout(job({ poll_times: [50, 101, 109] }), { from: 101, to: 111 }, 120);
  assert.deepEqual(
    found.bars.map(({ kind, from, to }) => [kind, from, to]),
    [
      ["queued", 0, 0.1],
      ["running", 0.1, 0.9],
    ],
  );
  assert.deepEqual(found.polls, [0, 0.8]);
  assert.deepEqual(found.end, { kind: "finished", at: 0.9 });
  assert.equal(found.early, true);
});

test("attempts of a webhook are good with any 2xx", () => {
  const attempts = [
    { at: 110, status: 500 },
    { at: 111, status: null },
    { at: 112, status: 204 },
  ];
  const found = fromZero(job({ webhook: { url: "x", attempts } }), { from: 0, to: 20 }, 0);
  assert.deepEqual(
    found.attempts.map(({ good }) => good),
    [false, false, true],
  );
});

test("a job that runs twice has two bars of each", () => {
  const states = ["queued", "running", "queued", "running"].map((state, at) => ({ state, at: 100 + at }));
  assert.equal(layout(job({ states, ended: 104 }), { from: 100, to: 104 }, 0).bars.length, 4);
});

test("polls at the same place are one tick", () => {
  const times = Array.from({ length: 200 }, (_, n) => 105 + n / 1e5);
  assert.equal(layout(job({ poll_times: times }), { from: 100, to: 110 }, 0).polls.length, 1);
});

test("states that are not told come from the times", () => {
  assert.deepEqual(statesOf(job({ started: null })), [{ state: "queued", at: 100 }]);
  assert.equal(statesOf(job()).length, 2);
});

test("the story says in words what the bars show", () => {
  const states = [
    { state: "queued", at: 100 },
    { state: "running", at: 102 },
    { state: "finished", at: 110 },
  ];
  const webhook = { url: "127.0.0.1", attempts: [{ at: 111, status: null, why: "refused" }] };
  const told = story(job({ error: "no", states, poll_times: [103, 104], webhook }));
  assert.deepEqual(
    told.map(({ text }) => text),
    ["queued", "running", "polled 2 times", "failed", "webhook to 127.0.0.1: no answer, refused"],
  );
  assert.deepEqual(
    story(job()).map(({ text }) => text),
    ["queued", "running", "finished"],
  );
});
