import assert from "node:assert/strict";
import test from "node:test";
import * as draft from "../../../../addon/falmock/gateway/inspector/static/draft.js";

const NEAR = { fixture: "f.json#0", endpoint: "fal-ai/flux/dev", differences: [] };
const MISS = { call: "submit", endpoint: "fal-ai/flux/dev", numbers: [3, 9], nearest: [NEAR] };
const choice = (more) => ({ ...draft.firstChoice(MISS), ...more });

test("only what asks a model can become a fixture", () => {
  assert.ok(draft.isAsk(MISS));
  assert.ok(!draft.isAsk({ ...MISS, call: "other" }));
  assert.ok(!draft.isAsk({ ...MISS, endpoint: "" }));
});

test("the answer of the nearest fixture is chosen first, the schema's if none is near", () => {
  assert.deepEqual(draft.bodyOf(MISS, choice()), { call: 9, input: "exact", to: "memory", like: "f.json#0" });
  const alone = { ...MISS, nearest: [] };
  assert.deepEqual(draft.bodyOf(alone, draft.firstChoice(alone)), { call: 9, input: "exact", to: "memory" });
});

test("the body has the chosen answer alone", () => {
  const file = choice({ answer: "asset", asset: "ab", match: "any", to: "disk", file: " cats/one.json " });
  assert.deepEqual(draft.bodyOf(MISS, file), { call: 9, input: "any", to: "disk", asset: "ab", file: "cats/one" });
  const error = choice({ answer: "error", error: "bad", file: "kept for disk" });
  assert.deepEqual(draft.bodyOf(MISS, error), { call: 9, input: "exact", to: "memory", error: "bad" });
});

test("what is still to be chosen", () => {
  assert.equal(draft.lacking(choice()), null);
  assert.match(draft.lacking(choice({ answer: "asset" })), /file/);
  assert.match(draft.lacking(choice({ answer: "error" })), /error/);
  assert.equal(draft.lacking(choice({ answer: "error", error: "bad" })), null);
});

test("the outcome says where it is and what passes now", () => {
  const memory = { file: null, added: "1", fixtures: [{ id: "added/1#0" }] };
  assert.match(draft.outcome(choice(), memory), /^Added in memory as added\/1#0.* The same call passes now\.$/);
  const disk = { file: "/f/a.json", added: null, fixtures: [{ id: "/f/a.json#0" }] };
  assert.equal(
    draft.outcome(choice({ match: "prompt", to: "disk" }), disk),
    "Saved as /f/a.json#0. Calls with this prompt pass now.",
  );
  assert.equal(
    draft.outcome(choice({ answer: "error" }), { ...disk, fixtures: [] }),
    "Saved as /f/a.json. The same call gets this error now.",
  );
});

test("errors are those of the call; all of them if none is", () => {
  const errors = [
    { name: "a", for: ["submit"] },
    { name: "b", for: ["result", "run"] },
    { name: "c", for: ["cancel"] },
  ];
  const names = (call) => draft.errorsFor(errors, call).map(({ name }) => name);
  assert.deepEqual([names("submit"), names("run"), names("message")], [["a", "b"], ["b"], ["a", "b", "c"]]);
});
