import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { scoped, ways, word } from "../../../../addon/falmock/gateway/inspector/static/connecting.js";

const HERE = { proxy: "http://127.0.0.1:8080", ca: "/home/me/it's mine/ca.pem" };
const linesOf = (name, given) => ways(given).find((each) => each.name === name).lines;

test("words of a command line are what a shell reads", () => {
  for (const text of ["plain-1.2/x", "it's", 'a "b" $c `d`', "a b", ""]) {
    assert.equal(execFileSync("sh", ["-c", `printf %s ${word(text)}`], { encoding: "utf8" }), text);
  }
});

test("a scope is the user of the proxy", () => {
  assert.equal(scoped(HERE.proxy, ""), HERE.proxy);
  assert.equal(scoped(HERE.proxy, "a b"), "http://a%20b:x@127.0.0.1:8080");
});

test("falmock env gets this falmock, its CA and the scope", () => {
  assert.deepEqual(linesOf("Shell", { ...HERE, ca: "/home/me/.mitmproxy/ca.pem", scope: "mine" }), [
    'eval "$(falmock env --url http://127.0.0.1:8080 --confdir /home/me/.mitmproxy --scope mine)"',
    "npm test",
  ]);
  assert.equal(linesOf("Node.js", { ...HERE, ca: null })[0], 'eval "$(falmock env --url http://127.0.0.1:8080)"');
});

test("each way has at most two lines, and a note", () => {
  for (const given of [HERE, { ...HERE, ca: null, scope: 'a"b' }]) {
    const all = ways(given);
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
    for (const { lines, note } of all) {
      assert.ok(lines.length >= 1 && lines.length <= 2);
      assert.ok(note);
    }
  }
});

test("a path with a quote stays one word", () => {
  const [line] = linesOf("curl", HERE);
  const told = execFileSync("sh", ["-c", `${line}; printf %s "$CURL_CA_BUNDLE"`], { encoding: "utf8" });
  assert.equal(told, HERE.ca);
});

test("Playwright gets the scope as a name and a password", () => {
  assert.match(linesOf("Playwright", { ...HERE, scope: 'a"b' })[0], /username: "a\\"b", password: "x"/);
  assert.doesNotMatch(linesOf("Playwright", HERE)[0], /username/);
});
