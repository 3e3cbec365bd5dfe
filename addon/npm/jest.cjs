// useFalmock for jest.
"use strict";

const { load } = require("./lib/real.cjs");
const { shown, useWith } = load("./use.cjs");

/** One falmock for this test file, and a scope of it for each test. */
function useFalmock(options) {
  const { afterAll, afterEach, beforeAll, beforeEach, expect } = globalThis.beforeAll ? globalThis : require("@jest/globals");
  const runner = {
    // A hook with a parameter would have to call it.
    beforeAll: (hook, ...rest) => beforeAll(() => hook(), ...rest),
    beforeEach: (hook) => beforeEach(() => hook()),
    afterEach: (hook) => afterEach(() => hook()),
    afterAll: (hook) => afterAll(() => hook()),
    file: () => shown(expect.getState().testPath ?? ""),
    test: () => expect.getState().currentTestName,
    environments: () => [process.env],
  };
  return useWith(runner, options);
}

module.exports = { useFalmock };
