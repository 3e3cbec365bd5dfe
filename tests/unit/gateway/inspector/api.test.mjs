import assert from "node:assert/strict";
import test from "node:test";
import {
  ApiError,
  makeApi,
  parser,
  queryOf,
  takeToken,
} from "../../../../addon/falmock/gateway/inspector/static/api.js";

const storage = (token) => {
  const kept = new Map(token ? [["falmock-token", token]] : []);
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), kept };
};

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

test("the token goes from the address into the storage", () => {
  const kept = storage();
  const replaced = [];
  const location = { hash: "#token=a%2Fb", pathname: "/__falmock/", search: "" };
  takeToken(location, { replaceState: (...each) => replaced.push(each[2]) }, kept);
  assert.equal(kept.kept.get("falmock-token"), "a/b");
  assert.deepEqual(replaced, ["/__falmock/#/jobs"]);
  takeToken({ hash: "#/misses" }, null, kept);
});

test("calls carry the scope and the token", async () => {
  const asked = answering([
    [200, { a: 1 }],
    [200, {}],
  ]);
  const api = makeApi(() => ({ scope: "s" }), storage("t"));
  assert.deepEqual(await api.get("/jobs", { limit: 1, state: undefined }), { a: 1 });
  await api.send("PUT", "/faults", { faults: [] });
  assert.equal(asked[0].url, "/__falmock/jobs?scope=s&limit=1");
  assert.equal(asked[0].headers.authorization, "Bearer t");
  assert.equal(asked[1].body, '{"faults":[]}');
});

test("an error says what the API says", async () => {
  answering([[400, { message: "No", problems: [{ path: "$.a", message: "bad" }] }]]);
  await assert.rejects(
    makeApi(() => ({}), storage()).get("/x"),
    (error) => error instanceof ApiError && error.message === "No\n$.a: bad" && error.status === 400,
  );
});

test("the last items of a long list", async () => {
  const asked = answering([
    [200, { jobs: [1], total: 5 }],
    [200, { jobs: [4, 5], total: 5 }],
  ]);
  assert.deepEqual(await makeApi(() => ({}), storage()).list("/jobs", "jobs", {}, 2), [4, 5]);
  assert.match(asked[1].url, /offset=3/);
});

test("media need a ticket only with a token, and one ticket serves many", async () => {
  assert.equal(await makeApi(() => ({}), storage()).mediaUrl("ab"), "/__falmock/assets/ab");
  const asked = answering([[200, { ticket: "k", expires: Date.now() / 1000 + 60 }]]);
  const api = makeApi(() => ({}), storage("t"));
  assert.equal(await api.mediaUrl("ab"), "/__falmock/assets/ab?ticket=k");
  assert.equal(await api.mediaUrl("cd"), "/__falmock/assets/cd?ticket=k");
  assert.equal(asked.length, 1);
});

test("an empty query is nothing", () => assert.equal(queryOf({ a: undefined }), ""));
