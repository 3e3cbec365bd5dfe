import assert from "node:assert/strict";
import test from "node:test";
import {
  ApiError,
  makeApi,
  parser,
  queryOf,
  takeToken,
} from "../../../../addon/falmock/gateway/inspector/static/api.js";

function answering(answers) {
  const asked = [];
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    const [status, value] = answers.shift();
    return new Response(JSON.stringify(value), { status });
  };
  return asked;
}

test("events are read from pieces of a stream", () => {
  const found = [];
  const read = parser((event) => found.push(event));
  for (const piece of [
    "retry: 1000\n\n: still here\n\nevent: ca",
    "ll\nid: 3\nda",
    'ta: {"a":1}\r\n\r',
    "\ndata: x\ndata: y\n\n",
  ])
    read(piece);
  assert.deepEqual(found, [{ event: "call", id: "3", data: '{"a":1}' }, { data: "x\ny" }]);
});

test("the token is taken out of the address", () => {
  const replaced = [];
  const history = { replaceState: (...each) => replaced.push(each[2]) };
  const taken = (hash) => takeToken({ hash, pathname: "/__falmock/", search: "" }, history);
  assert.deepEqual(["#token=a%2Fb", "#token=50%&/misses", "#/misses"].map(taken), ["a/b", "50%", ""]);
  assert.deepEqual(replaced, ["/__falmock/#/jobs", "/__falmock/#/misses"]);
});

test("a token is kept if falmock takes it", async () => {
  const asked = answering([
    [401, {}],
    [200, {}],
    [200, {}],
    [500, { message: "broken" }],
  ]);
  const api = makeApi(() => ({}));
  assert.equal(await api.unlock("wrong"), false);
  assert.equal(await api.unlock("right"), true);
  await api.get("/jobs");
  await assert.rejects(api.unlock("other"), /broken/);
  assert.deepEqual(
    asked.map(({ headers }) => headers.authorization),
    ["wrong", "right", "right", "other"].map((each) => `Bearer ${each}`),
  );
});

test("calls carry the scope and the token", async () => {
  const asked = answering([
    [200, { a: 1 }],
    [200, {}],
  ]);
  const api = makeApi(() => ({ scope: "s" }), "t");
  assert.deepEqual(await api.get("/jobs", { limit: 1, state: undefined }), { a: 1 });
  await api.send("PUT", "/faults", { faults: [] });
  assert.equal(asked[0].url, "/__falmock/jobs?scope=s&limit=1");
  assert.equal(asked[0].headers.authorization, "Bearer t");
  assert.equal(asked[1].body, '{"faults":[]}');
});

test("an error says what the API says", async () => {
  answering([[400, { message: "No", problems: [{ path: "$.a", message: "bad" }] }]]);
  await assert.rejects(
    makeApi(() => ({})).get("/x"),
    (error) => error instanceof ApiError && error.message === "No\n$.a: bad" && error.status === 400,
  );
});

test("the last items of a long list", async () => {
  const asked = answering([
    [200, { jobs: [1], total: 5 }],
    [200, { jobs: [4, 5], total: 5 }],
  ]);
  assert.deepEqual(await makeApi(() => ({})).list("/jobs", "jobs", {}, 2), [4, 5]);
  assert.match(asked[1].url, /offset=3/);
});

test("media need a ticket only with a token, and one ticket serves many, for a while", async (context) => {
  assert.equal((await makeApi(() => ({})).media("ab")).url, "/__falmock/assets/ab");
  const asked = answering([
    [200, { ticket: "k" }],
    [200, { ticket: "l" }],
  ]);
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const api = makeApi(() => ({}), "t");
  const [first, second] = await Promise.all([api.media("ab"), api.media("cd")]);
  assert.deepEqual([first.url, second.url], ["/__falmock/assets/ab?ticket=k", "/__falmock/assets/cd?ticket=k"]);
  assert.equal(asked.length, 1);
  assert.equal(first.isFresh(), true);
  now = 59_000;
  assert.equal(first.isFresh(), false);
  assert.equal((await api.media("ab")).url, "/__falmock/assets/ab?ticket=l");
});

test("a ticket that was not given is asked for again", async () => {
  answering([
    [500, { message: "broken" }],
    [200, { ticket: "k" }],
  ]);
  const api = makeApi(() => ({}), "t");
  await assert.rejects(api.media("ab"), /broken/);
  assert.equal((await api.media("ab")).url, "/__falmock/assets/ab?ticket=k");
});

test("an empty query is nothing", () => assert.equal(queryOf({ a: undefined }), ""));
