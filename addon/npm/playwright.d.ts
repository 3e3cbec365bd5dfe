import type {
  Expect,
  PlaywrightTestArgs,
  PlaywrightTestOptions,
  PlaywrightWorkerArgs,
  PlaywrightWorkerOptions,
  TestType,
} from "@playwright/test";
import type { Falmock, ScopeWithEnvironment, TestScope, UseOptions } from "./index.js";

export interface FalmockTestArgs {
  /** The scope of this worker, which is emptied before each test. Misses fail their test. */
  falmock: TestScope;
}

export interface FalmockWorkerArgs {
  /** The options of falmock, to be set in `use`. */
  falmockOptions: UseOptions;
  /** The falmock of this worker. */
  falmockServer: Falmock;
  /** The scope of this worker, for programs that several tests use. */
  falmockWorker: ScopeWithEnvironment & { readonly proxy: { server: string; bypass: string } };
}

export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & FalmockTestArgs,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & FalmockWorkerArgs
>;
export const expect: Expect;
