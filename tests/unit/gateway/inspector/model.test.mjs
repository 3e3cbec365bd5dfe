import assert from "node:assert/strict";
import test from "node:test";
import {
  MOST_CALLS,
  MOST_JOBS,
  applied,
  chosen,
  empty,
  many,
  news,
  route,
} from "../../../../addon/falmock/gateway/inspector/static/model.js";

const call = (number, more) => ({
  number,
  endpoint: "fal-ai/flux/dev",
  call: "run",
  status: 200,
  door: null,
  request_id: "",
  miss: false,
  fault: null,
  ...more,
});
const after = (state, ...events) =>
  applied(
    state,
    events.map(([name, data]) => ({ name, data })),
  );

test("calls are added once, in order, and counted", () => {
  const state = after(
    empty(),
    ["hello", { calls: 0 }],
    ["call", call(1)],
    ["call", call(2, { miss: true })],
    ["call", call(2)],
  );
  assert.deepEqual(
    state.calls.map(({ number }) => number),
    [1, 2],
  );
  assert.deepEqual(state.counts, { calls: 2, misses: 1 });
});

test("the state before is not changed", () => {
  const before = after(empty(), ["call", call(1)], ["job", { request_id: "a" }]);
  after(before, ["call", call(2)], ["job", { request_id: "b" }], ["reset", {}]);
  assert.equal(before.calls.length, 1);
  assert.deepEqual([...before.jobs.keys()], ["a"]);
});

test("only the latest calls and jobs are kept", () => {
  const events = Array.from({ length: 10000 }, (_, n) => ["call", call(n + 1)]);
  const jobs = Array.from({ length: MOST_JOBS + 5 }, (_, n) => ["job", { request_id: `${n}` }]);
  const state = after(empty(), ...events, ...jobs);
  assert.equal(state.calls.length, MOST_CALLS);
  assert.equal(state.calls.at(-1).number, 10000);
  assert.equal(state.jobs.size, MOST_JOBS);
  assert.ok(!state.jobs.has("0"));
});

test("a job that moved replaces itself", () => {
  const state = after(
    empty(),
    ["job", { request_id: "a", state: "queued" }],
    ["job", { request_id: "a", state: "running" }],
  );
  assert.equal(state.jobs.get("a").state, "running");
});

test("a reset, or a journal that began again, empties", () => {
  const state = after(
    empty(),
    ["call", call(1)],
    ["call", call(2)],
    ["job", { request_id: "a" }],
    ["gap", { lost: 3 }],
  );
  assert.equal(state.lost, 3);
  for (const event of [
    ["reset", {}],
    ["hello", { calls: 1 }],
  ]) {
    const next = after(state, event);
    assert.deepEqual([next.calls.length, next.jobs.size, next.lost], [0, 0, 0]);
  }
  assert.equal(after(state, ["hello", { calls: 2 }]).calls.length, 2);
});

test("counts and settings are taken as they come", () => {
  const state = after(
    empty(),
    ["faults", { count: 2 }],
    ["settings", { mode: "replay", pace: "manual" }],
    ["unknown", null],
  );
  assert.equal(state.counts.faults, 2);
  assert.equal(state.settings.pace, "manual");
});

test("news are what came between two states", () => {
  const state = after(empty(), ["call", call(1)], ["call", call(2, { miss: true })]);
  assert.equal(news(empty(), state), "2 new calls, 1 miss");
  assert.equal(news(state, state), "");
  assert.equal(news(state, empty()), "The scope was reset");
  assert.equal(many(1000, "call"), "1,000 calls");
});

test("filters of the journal", () => {
  const calls = [
    call(1),
    call(2, { miss: true, status: 404 }),
    call(3, { fault: "x", door: "openai" }),
    call(4, { endpoint: "", path: "/other", call: "other", request_id: "r" }),
  ];
  const numbers = (filter) => chosen(calls, filter).map(({ number }) => number);
  assert.deepEqual(numbers({}), [1, 2, 3, 4]);
  assert.deepEqual(numbers({ only: "miss" }), [2]);
  assert.deepEqual(numbers({ only: "fault" }), [3]);
  assert.deepEqual(numbers({ status: "4" }), [2]);
  assert.deepEqual(numbers({ number: 3 }), [3]);
  assert.deepEqual(numbers({ door: "proxy", endpoint: "FLUX" }), [1, 2]);
  assert.deepEqual(numbers({ endpoint: "other", call: "other", request_id: "r" }), [4]);
});

test("an address names a view", () => {
  assert.deepEqual(route(""), { view: "jobs", id: null, query: {} });
  assert.deepEqual(route("#/jobs/a%2Fb"), { view: "jobs", id: "a/b", query: {} });
  assert.equal(route("#/jobs/50%").id, "50%");
  assert.deepEqual(route("#/journal?request_id=r&scope=s"), {
    view: "journal",
    id: null,
    query: { request_id: "r", scope: "s" },
  });
});
