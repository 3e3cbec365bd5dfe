import type { TestScope, UseOptions } from "./index.js";

/** One falmock for this test file, and a scope of it for each test. Misses fail their test. */
export function useFalmock(options?: UseOptions): TestScope;
