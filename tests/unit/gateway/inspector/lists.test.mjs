import assert from "node:assert/strict";
import test from "node:test";
import * as lists from "../../../../addon/falmock/gateway/inspector/static/lists.js";

const ASSETS = [
  { name: "cat.png", sha256: "aa11", type: "image/png", urls: ["https://v3.fal.media/files/x/cat.png"], used_by: [] },
  { name: "", sha256: "bb22", type: "video/mp4", urls: [], used_by: ["film.json#0"], origin: "fixture" },
  { name: "doc", sha256: "cc33", type: "application/pdf", urls: [], used_by: [], origin: "upload" },
];
const NONE = { text: "", kind: "", origin: "" };
const none = { model: null, path: null, userMessage: null, input: null, test: null, added: null, used: false };
const A = { ...none, id: "/f/a.json#0", file: "/f/a.json", model: "fal-ai/flux/dev", used: true };
const A1 = { ...none, id: "/f/a.json#1", file: "/f/a.json", model: "fal-ai/flux/*" };
const B = { ...none, id: "/f/deep/b.json#0", file: "/f/deep/b.json", userMessage: "a cat", test: "test_x" };
const ADDED = { ...none, id: "added/1#0", file: null, added: "1", input: '{"prompt": "a  dog"}' };

test("what a call asked, in one line", () => {
  assert.equal(lists.asked(null), "no input");
  assert.equal(lists.asked({ prompt: "a\n cat", seed: 1 }), "a cat");
  assert.equal(lists.asked({ prompt: "", text: "hello" }), "hello");
  assert.equal(lists.asked({ image_url: 1 }), '{"image_url":1}');
  assert.equal(lists.asked([1]), "[1]");
  assert.equal(lists.asked({ prompt: "x".repeat(500) }).length, 161);
});

test("a rule is one word of a shell", () => {
  assert.equal(lists.option("fal-ai/flux=$.a['b']"), "--set fal_ignore='fal-ai/flux=$.a['\\''b'\\'']'");
});

test("texts that have little in common differ as a whole", () => {
  assert.deepEqual(lists.marked('"a dog in snow"', '"a dog on sand"').start, '"a dog ');
  assert.deepEqual(lists.marked('"a black cat"', '"other"'), {
    start: "",
    expected: '"a black cat"',
    found: '"other"',
    end: "",
  });
});

test("names of fixtures", () => {
  assert.equal(lists.nameOf("/x/fal-ai/flux/dev/a.json#0", "fal-ai/flux/dev"), "fal-ai/flux/dev/a.json#0");
  assert.equal(lists.nameOf("./fixtures/mine.json#1", "fal-ai/flux/dev"), "mine.json#1");
  assert.equal(lists.nameOf("added/1#0", ""), "added/1#0");
});

test("files by text, type and origin", () => {
  const found = (filter) => lists.chosenAssets(ASSETS, { ...NONE, ...filter }).map(({ sha256 }) => sha256);
  assert.deepEqual(found({}), ["aa11", "bb22", "cc33"]);
  assert.deepEqual(found({ text: "FAL.media png" }), ["aa11"]);
  assert.deepEqual(found({ text: "film" }), ["bb22"]);
  assert.deepEqual(found({ kind: "other" }), ["cc33"]);
  assert.deepEqual(found({ kind: "video", origin: "fixture" }), ["bb22"]);
  assert.equal(lists.kindOf({ type: null }), "other");
});

test("fixtures by text and use", () => {
  const found = (filter) =>
    lists.chosenFixtures([A, A1, B, ADDED], { text: "", use: "", ...filter }).map(({ id }) => id);
  assert.equal(found({}).length, 4);
  assert.deepEqual(found({ use: "used" }), [A.id]);
  assert.deepEqual(found({ use: "unused", text: "test_X" }), [B.id]);
  assert.deepEqual(found({ use: "added" }), [ADDED.id]);
  assert.deepEqual(found({ text: "flux a.json" }), [A.id, A1.id]);
});

test("fixtures by file: a row for a file that has several, and for each batch", () => {
  const groups = lists.grouped([ADDED, A, B, A1]);
  assert.deepEqual(
    groups.map(({ key, used, fixtures }) => [key, used, fixtures.length]),
    [
      ["added 1", 0, 1],
      ["file /f/a.json", 1, 2],
      ["file /f/deep/b.json", 0, 1],
    ],
  );
  assert.deepEqual(
    lists.rowsOf(groups).map(({ key, alone }) => [key, alone]),
    [
      ["added 1", undefined],
      [ADDED.id, false],
      ["file /f/a.json", undefined],
      [A.id, false],
      [A1.id, false],
      [B.id, true],
    ],
  );
});

test("the folder that all files are in", () => {
  assert.equal(lists.folderOf([]), "");
  assert.equal(lists.folderOf(["/f/a.json", "/f/deep/b.json"]), "/f/");
  assert.equal(lists.folderOf(["/f/deep/b.json", "/f/a.json"]), "/f/");
  assert.equal(lists.folderOf(["a/x.json", "b/x.json"]), "");
  assert.equal(lists.folderOf(["f/a.json"]), "f/");
});

test("what a fixture matches", () => {
  assert.deepEqual([A, B, ADDED, { ...A, input: '{"prompt": "cut…' }].map(lists.matched), [
    "any input",
    "prompt has “a cat”",
    "a dog",
    '{"prompt": "cut…',
  ]);
});
