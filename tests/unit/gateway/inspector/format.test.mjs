import assert from "node:assert/strict";
import test from "node:test";
import {
  ago,
  cost,
  curl,
  day,
  fixture,
  price,
  short,
  size,
  span,
  wall,
} from "../../../../addon/falmock/gateway/inspector/static/format.js";

const table = (call, rows) => rows.forEach(([value, text]) => assert.equal(call(value), text));

test("sizes", () =>
  table(size, [
    [null, ""],
    [0, "0 B"],
    [999, "999 B"],
    [1400, "1.4 KB"],
    [142351, "142 KB"],
    [5e12, "5000 GB"],
  ]));

test("spans", () =>
  table(span, [
    [null, ""],
    [0, "0 ms"],
    [-1, "0 ms"],
    [0.25, "250 ms"],
    [1.25, "1.25 s"],
    [12.34, "12.3 s"],
    [60, "1 min"],
    [125, "2 min 5 s"],
    [3600, "1 h"],
    [10920, "3 h 2 min"],
  ]));

test("how long ago", () =>
  table(
    (at) => ago(at, 1e6),
    [
      [1e6, "now"],
      [1e6 + 5, "now"],
      [999988, "12 s ago"],
      [999700, "5 min ago"],
      [1e6 - 7200, "2 h ago"],
      [1e6 - 3 * 86400, "3 d ago"],
    ],
  ));

test("wall times", () => {
  assert.match(wall(0.25), /^\d\d:\d\d:00\.250$/);
  assert.match(day(1e9), /^2001-09-\d\d \d\d:\d\d$/);
});

test("costs are said only if they are known", () => {
  const of = (amount, currency = "USD") => ({ amount, currency });
  assert.equal(cost(null), "");
  assert.equal(price(null), "");
  assert.equal(cost(of(0.04)), "would have cost $0.04");
  table(
    (amount) => price(of(amount)),
    [
      [0, "$0.00"],
      [0.025, "$0.025"],
      [0.0003, "$0.0003"],
      [1.5, "$1.50"],
    ],
  );
  assert.equal(price(of(2, "EUR")), "2.00 EUR");
});

test("a call as curl, through the proxy or to a door", () => {
  const call = { door: null, method: "POST", host: "fal.run", path: "/fal-ai/flux/dev" };
  const proxy = "http://127.0.0.1:8080";
  assert.equal(
    curl(call, { prompt: "it's" }, proxy),
    `curl 'https://fal.run/fal-ai/flux/dev' --proxy 'http://127.0.0.1:8080' -H 'authorization: Key mock:key' -H 'content-type: application/json' -d '{"prompt":"it'\\''s"}'`,
  );
  assert.equal(
    curl({ ...call, door: "openai", method: "DELETE", path: "/v1/x" }, null, proxy),
    "curl 'http://127.0.0.1:8080/v1/x' -X DELETE",
  );
});

test("names are shortened", () => {
  assert.equal(short("01a22679-2bea-740e-ba7e-802a3926f824"), "3926f824");
  assert.equal(short(""), "");
  assert.equal(fixture("./fixtures/fal-ai/x.json#0"), "fal-ai/x.json#0");
  assert.equal(fixture(null), "");
});
