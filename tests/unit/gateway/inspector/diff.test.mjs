import assert from "node:assert/strict";
import test from "node:test";
import { differences, rows, shown, textParts } from "../../../../addon/falmock/gateway/inspector/static/diff.js";

test("the paths at which two values differ", () => {
  const found = differences(
    { a: 1, b: [1, { c: "x" }], d: null, gone: 1 },
    { a: 1, b: [1, { c: "y" }], d: 0, more: 2 },
  );
  assert.deepEqual(found, [
    { path: "$.b[1].c", expected: "x", found: "y", kind: "other" },
    { path: "$.d", expected: null, found: 0, kind: "other" },
    { path: "$.gone", expected: 1, found: undefined, kind: "missing" },
    { path: "$.more", expected: undefined, found: 2, kind: "extra" },
  ]);
  assert.deepEqual(differences([1], { 0: 1 }), [{ path: "$", expected: [1], found: { 0: 1 }, kind: "other" }]);
  assert.deepEqual(differences({}, {}), []);
});

test("where two texts differ", () => {
  assert.deepEqual(textParts("a black cat", "a white cat"), {
    start: "a ",
    expected: "black",
    found: "white",
    end: " cat",
  });
  assert.deepEqual(textParts("aa", "aaa"), { start: "aa", expected: "", found: "a", end: "" });
});

test("what changes from run to run comes last", () => {
  assert.deepEqual(
    rows([{ path: "a", volatile: true }, { path: "b" }]).map(({ path }) => path),
    ["b", "a"],
  );
});

test("values in cells", () => {
  assert.deepEqual([shown(undefined), shown("x"), shown(null), shown([1])], ["nothing", "x", "null", "[1]"]);
});
