import type * as control from "./control.js";

export type { control };
export type Environment = Record<string, string>;
/** A fixture, the content of a fixture file, or fixtures; see falmock's fixtures/README.md. */
export type Fixtures = control.AddFixturesBody | Record<string, unknown>[];
/** Rules for faults, or the content of a file with them; see falmock's fixtures/faults.md. */
export type Faults = control.SetFaultsBody | Record<string, unknown>[];
/** What calls are expected: these, or all of `verify` in falmock's control API. */
export type Expected = control.VerifyBody | NonNullable<control.VerifyBody["calls"]>;

/** falmock refused a call of the control API, or calls are not as a test expects. */
export class FalmockError extends Error {
  readonly status?: number;
  readonly body?: unknown;
}

/** The command `falmock` was not found; the message says how to install it. */
export class NoCommand extends Error {}

/** One scope of a falmock: the jobs, calls and added fixtures of one test. */
export class Scope {
  /** `name` is "" for the default scope. */
  constructor(url: string, name?: string);
  readonly url: string;
  readonly name: string;
  /** Adds fixtures, which answer before those on disk. */
  add(fixtures: Fixtures): Promise<control.AddFixturesAnswer>;
  /** Removes what one `add` has added, or all that was added. */
  remove(added?: string): Promise<control.RemoveFixturesAnswer>;
  /** Sets the rules for faults. */
  setFaults(faults: Faults): Promise<control.Rule[]>;
  /** The calls that match the filter, the oldest first. */
  journal(filter?: control.ReadJournalQuery): Promise<control.Entry[]>;
  /** The calls that no fixture answered. */
  misses(): Promise<control.Entry[]>;
  /** Throws a FalmockError that lists what is not as expected. */
  verify(expected: Expected): Promise<void>;
  /** The jobs that match the filter, in the order of their submits. */
  jobs(filter?: control.ListJobsQuery): Promise<control.Job[]>;
  /** One job, by its request id. */
  job(id: string): Promise<control.Job>;
  /** Moves a job by one step: to running, then to its end. */
  advance(id: string): Promise<control.Job>;
  /** Moves every job that is not over by one step. */
  advance(): Promise<control.Job[]>;
  /** Completes a job now. */
  complete(id: string): Promise<control.Job>;
  /** Ends a job now with an error, by default internal_server_error. */
  fail(id: string, error?: string | Record<string, unknown>): Promise<control.Job>;
  /** Holds a job in its state until it is moved or released. */
  hold(id: string): Promise<control.Job>;
  /** Lets a held job continue at its pace. */
  release(id: string): Promise<control.Job>;
  /** Removes the scope's jobs, calls, and added fixtures and faults. */
  reset(): Promise<void>;
  /** Any call of the control API, by its path below /__falmock; returns the JSON of its answer. */
  call(method: string, path: string, query?: Record<string, string | number | boolean | undefined>, body?: unknown): Promise<any>;
}

/** A scope, with the environment for programs whose calls belong to it. */
export interface ScopeWithEnvironment extends Scope {
  readonly environment: Environment;
}

/** A running falmock. Its own calls of the control API are about the default scope. */
export class Falmock extends Scope {
  private constructor();
  /** The variables for programs whose calls belong to the default scope. */
  readonly environment: Environment;
  /** The file of the CA's certificate. */
  readonly ca: string | undefined;
  readonly version: string;
  /** Whether another process has started it, and will stop it. */
  readonly isInherited: boolean;
  scope(name: string): ScopeWithEnvironment;
  stop(): Promise<void>;
}

/** Options of the server, as in `falmock serve --help`. */
export interface ServerOptions {
  /** Folders or files of fixtures; by default ./fixtures. */
  fixtures?: string | string[];
  /** By default replay; FALMOCK_MODE takes precedence. */
  mode?: "replay" | "record" | "auto" | "passthrough";
  /** How jobs move: instant (the default), recorded, x10, 3s, polls:1,2, manual. */
  pace?: string;
  /** Any other option, by its name: `{ auth: "required" }` is `--auth required`. */
  options?: Record<string, string | number | boolean | (string | number | boolean)[]>;
}

export interface StartOptions extends ServerOptions {
  /** The words of the command; by default what `findCommand` returns. */
  command?: string[];
  /** The folder that relative paths begin at. */
  cwd?: string;
  /** Variables of the server besides those of this process. */
  env?: Environment;
  /** How long it may take to start; by default 60. */
  startSeconds?: number;
}

export interface UseOptions extends StartOptions {
  /** Rules for faults, for each test. */
  faults?: Faults;
  /** What a call does that no fixture answers: `fail` (the default) makes its test fail. */
  misses?: "fail" | "allow";
}

/** The scope of the test that runs; between tests that of its file. */
export interface TestScope extends ScopeWithEnvironment {
  /** Misses do not fail the test that runs. */
  allowMisses(): void;
}

/** Starts a falmock on a free port, which ends with this process at the latest. */
export function startFalmock(options?: StartOptions): Promise<Falmock>;
/** The falmock that `falmock run` or a global setup has started for this process; undefined if there is none. */
export function inheritedFalmock(env?: Record<string, string | undefined>): Promise<Falmock | undefined>;
/** The words of the command that runs falmock: FALMOCK_COMMAND, or else `falmock` on PATH. Throws NoCommand. */
export function findCommand(env?: Record<string, string | undefined>): string[];
