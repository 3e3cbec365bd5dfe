// useFalmock for vitest.
import { createRequire } from "node:module";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";

const { shown, useWith } = createRequire(import.meta.url)("./lib/use.cjs");

/** One falmock for this test file, and a scope of it for each test. */
export function useFalmock(options) {
  return useWith({ beforeAll, beforeEach, afterEach, afterAll, file: () => shown(expect.getState().testPath ?? ""), test }, options);
}

function test({ task }) {
  const names = [];
  for (let each = task; each; each = each.suite) if (each.name && each !== task.file) names.unshift(each.name);
  return names.join(" ");
}
