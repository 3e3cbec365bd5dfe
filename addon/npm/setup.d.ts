import type { StartOptions } from "./index.js";

/** A global setup for vitest and jest: one falmock for all test files. */
declare function setup(): Promise<(() => Promise<void>) | undefined>;

declare namespace setup {
  /** Makes a global setup with these options. Workers inherit the environment that it sets. */
  function globalSetup(options?: StartOptions): typeof setup;
}

export = setup;
