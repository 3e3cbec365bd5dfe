// The control API of falmock. Made by scripts/control-types: do not edit.

export interface Error {
  message: string;
  problems?: {
    path: string;
    message: string;
  }[];
}

export interface Asset {
  /** The digest of its content, in hex. */
  sha256: string;
  /** Its media type by its first bytes; application/octet-stream if unknown. */
  type: string;
  /** The media type that it was uploaded with, or that its name suggests. */
  declared: string;
  /** Bytes. */
  size: number;
  name: string;
  /** Uploaded, or added by this API; a file of fixtures; or made for a synthesized answer. */
  origin: "upload" | "fixture" | "made";
  /** Its URLs on the CDN, at most 50. */
  urls: string[];
  /** Pixels; null if not known. */
  width: number | null;
  height: number | null;
  /** Seconds; null if not known. */
  duration: number | null;
  /** The ids of the fixtures of this scope that refer to it, at most 50. */
  used_by: string[];
  /** Whether it is an image, sound or film that a page may show. */
  shows: boolean;
}

export interface Fixture {
  /** file#index, as in the header x-falmock-fixture. */
  id: string;
  /** The batch in which it was added; null if it is from a file. */
  added: string | null;
  /** Its file; null if it was added. */
  file: string | null;
  /** Its index in the file, or in the batch. */
  place: number;
  /** When it was recorded, in seconds since the epoch; null if it was not, or does not say. */
  recorded_at: number | null;
  /** The scope of the recorded call, which names its test; null if it was recorded in the default scope, or not recorded. */
  test: string | null;
  /**
   * Whether it answered a call of this scope since the journal was cleared; for all scopes, by this process since the
   * start.
   */
  used: boolean;
  model: string | null;
  method: string | null;
  host: string | null;
  path: string | null;
  userMessage: string | null;
  context: string | null;
  sequenceIndex: number | null;
  exact: boolean;
  /** The input it matches, as JSON text; long texts are cut. */
  input: string | null;
}

export interface File {
  url: string;
  sha256: string;
  type: string;
  size: number;
  name: string;
}

export interface Job {
  request_id: string;
  endpoint: string;
  state: "queued" | "running" | "finished" | "cancelled" | "expired";
  /** What the client sees. */
  status: string;
  /** Whether it is held, so that neither time nor polls move it. */
  held: boolean;
  queue_position: number | null;
  /** Seconds since the epoch. */
  submitted: number;
  ended: number | null;
  /** Counted at the pace polls:n,m. */
  polls: number;
  fixture: string;
  why: string;
  error: string | null;
  /** Empty for the default scope. */
  scope: string;
  /** The number of its submit in the journal. */
  number: number | null;
  /** When it began to run. */
  started: number | null;
  /** The states so far. */
  states: ({
    state: "queued" | "running" | "finished" | "cancelled" | "expired";
    at: number;
  })[];
  /** When clients asked for its status or result: the last 200 times. */
  poll_times: number[];
  webhook: {
    /** The host alone. */
    url: string;
    attempts: ({
      at: number;
      status: number | null;
      why: string;
    })[];
  } | null;
  /** What it would have cost; null unless _prices.json and the units of its answer say so. */
  cost: {
    units: number;
    unit_price: number;
    amount: number;
    currency: string;
    unit: string;
  } | null;
  /** What its answer was made from, if it was made. */
  synthesized: "schema" | "guess" | null;
  cancel_requested: boolean;
}

export interface JobResult {
  /** The status of its result; null while it is not over. */
  status: number | null;
  /** That of its result; empty while it is not over. */
  content_type: string;
  /** Its result, with secrets hidden and long texts cut; null if it is no JSON, or deleted. */
  output: unknown;
  /** Its input, as in the journal; null if that is not kept. */
  input: unknown;
  /** The lines so far. */
  logs: ({
    at: number;
    level: string | null;
    message: string;
  })[];
  /** The files of its input and output whose content falmock has. */
  files: File[];
  fixture: string;
  why: string;
}

export interface Piece {
  /** Seconds since the epoch: when it was due at the pace of now. */
  at: number;
  kind: "event" | "frame";
  /** As falmock sees it. */
  direction: "sent" | "received";
  /** Its text, cut if it is long; of binary data only the size. */
  text: string;
}

export interface Entry {
  /** Its number among all calls of the scope. */
  number: number;
  /** Seconds since the epoch. */
  at: number;
  scope: string;
  call: "run" | "submit" | "status" | "result" | "cancel" | "stream" | "status-stream" | "socket" | "upload" | "download" | "token" | "keys" | "mapping" | "message" | "webhook" | "images" | "models" | "preflight" | "other";
  /** The door at falmock's own address by which it came; null if it came through the proxy. */
  door: "openai" | "aimock" | "server-proxy" | null;
  method: string;
  host: string;
  path: string;
  /** The endpoint id; empty if there is none. */
  endpoint: string;
  /** The request id of its job or run; empty if there is none. */
  request_id: string;
  /** The status of its answer; null if fal answered it. */
  status: number | null;
  /** Whether it was forwarded to fal. */
  forwarded: boolean;
  fixture: string | null;
  why: string;
  /** The report, if no fixture answered; else null. */
  miss: string | null;
  /** What its answer warns of, as in the header x-falmock-warning; null if nothing. */
  warning: string | null;
  /** The fault that was injected; null if none. */
  fault: string | null;
  /** The injected delay in seconds. */
  delay: number;
  /** The input, with secrets hidden and long texts cut; null if there is none. */
  input: unknown;
  /** The size in bytes of an input that was too long to keep, else 0. */
  left_out: number;
}

export interface Miss {
  /** Equal for calls that ask for the same; it has no other meaning. */
  key: string;
  /** How many calls asked for it. */
  count: number;
  /** The numbers of the last 20 of them in the journal, the oldest first. */
  numbers: number[];
  /** When the last one came, in seconds since the epoch. */
  at: number;
  scope: string;
  /** The endpoint id; empty if there is none. */
  endpoint: string;
  /** The kind of the last call. */
  call: "run" | "submit" | "status" | "result" | "cancel" | "stream" | "status-stream" | "socket" | "upload" | "download" | "token" | "keys" | "mapping" | "message" | "webhook" | "images" | "models" | "preflight" | "other";
  /** The input, with secrets hidden and long texts cut; null if there is none. */
  input: unknown;
  /** The report. */
  text: string;
  /** The nearest fixtures, the nearest first. */
  nearest: ({
    /** Its id, file#index. */
    fixture: string;
    /** The endpoint id under which the call was compared with it. */
    endpoint: string;
    differences: ({
      /** The JSON path in the input. */
      path: string;
      /** What the fixture expects, as JSON text or in words; cut if it is long. */
      expected: string;
      /** What the call has. */
      found: string;
      /** Whether such values change from run to run: ids, times, signatures. */
      volatile: boolean;
      /** The value of fal_ignore that removes this difference; null if there is no single one. */
      rule: string | null;
    })[];
  })[];
}

export interface Missed {
  /** The endpoint id that was called; empty for none. */
  endpoint: string;
  /** The scope of the first such call; empty for the default scope. */
  scope: string;
  /** The report: the nearest fixtures, and each difference. */
  text: string;
  /** How many calls got it. */
  count: number;
}

export interface ModelSchema {
  /** The endpoint id. */
  id: string;
  /**
   * fetched by falmock schemas fetch, recorded at the end of a recording, types of @fal-ai/client, platform: a recorded
   * answer of the Platform API, or a file that somebody put there.
   */
  source: "fetched" | "recorded" | "types" | "platform" | "file";
  /** When, in ISO 8601; null if that is not known. */
  at: string | null;
  /** Its path in the fixtures folder, or the id of the fixture that it is in. */
  path: string;
  /** How many inputs it names; null if its input cannot be resolved. */
  inputs: number | null;
}

export interface NamedError {
  /** What `error` of a fault takes. */
  name: string;
  status: number;
  /** The type in the answer; null if it has none. */
  type: string | null;
  /** The text. {app}, {alias} and {path} stand for what was called. */
  message: string;
  /** The calls that fal answers with it. A job can end with those that have `result`. */
  for: ("run" | "submit" | "result" | "stream" | "socket" | "platform")[];
}

export interface Rule {
  /** file#index, or the index among the rules that were set. */
  id: string;
  added: boolean;
  fault: string;
  model: string | null;
  calls: string[];
  method: string | null;
  host: string | null;
  path: string | null;
  /** The rule as it was set, with the seed of its file: what `faults` of setFaults takes. */
  rule: Record<string, unknown>;
  /** The share of the calls that it applies to, from 0 to 1. */
  rate: number;
  /** The numbers of the calls that it applies to; empty for all. */
  nth: number[];
  /** How many calls of the scope got the fault from this rule. */
  struck: number;
}

export interface Scope {
  /** Empty for the default scope. */
  name: string;
  jobs: number;
  calls: number;
  misses: number;
  added_fixtures: number;
  added_faults: number;
}

export interface HealthQuery {
  /** true: the status is 503 while it cannot answer calls. */
  ready?: boolean;
}

/**
 * GET /__falmock/health: Whether falmock is running, and its settings. If its state is in a store (fal_store): how that
 * stands, and which falmocks share it. Balancers ask GET /ready, which needs no token: 200, or 503 while the store is
 * away.
 */
export interface HealthAnswer {
  status: "ok";
  version: string;
  mode: string;
  pace: string;
  /** The number of fixtures in the scope; of those on disk, while the store is away. */
  fixtures: number;
  /** The number of named scopes; of those seen here, while the store is away. */
  scopes: number;
  inspector: "off" | "read" | "write";
  connect: {
    /** The URL of the proxy. */
    proxy: string | null;
    /** The path of the CA's certificate, where falmock runs. */
    ca: string | null;
  };
  /** Whether it can answer calls now. */
  ready?: boolean;
  /** Which of the replicas answers this. */
  replica?: string;
  store?: {
    /** Its address, without a password. */
    address: string;
    state: "up" | "away";
    /** Why it is away; empty if it is not. */
    reason: string;
    /** How long the oldest call waits to be written into the journal, in seconds. */
    lag: number;
    /** How many entries wait to be written. */
    waiting: number;
    /** How many entries were lost, as too many waited while the store was away. */
    dropped: number;
  };
  /** The falmocks of the store. */
  replicas?: {
    id: string;
    version: string;
    /** A digest of its fixtures on disk: equal for equal ones. */
    fixtures: string;
    /** Seconds since the epoch. */
    started: number;
    /** When it last told that it is there, in seconds since the epoch. */
    seen: number;
    lag: number;
  }[];
}

export interface ResetQuery {
  /** true: reset every scope, and remove the named ones. */
  all?: boolean;
}

/**
 * POST /__falmock/reset: Reset a scope: remove its jobs, journal, counts, and added fixtures and faults. Uploaded files
 * stay.
 */
export interface ResetAnswer {
  reset: string;
}

/** GET /__falmock/scopes: The existing scopes; the one used last is at the end. */
export interface ListScopesAnswer {
  scopes: Scope[];
}

/** What is special about it. */
export interface CreateScopeBody {
  /** The pace of its new jobs, as in fal_pace, until the scope is reset or dropped. */
  pace?: string;
  /**
   * The scope that calls with this name belong to from now on, until either is dropped; null: this one again. So one
   * client can serve several tests, each with a scope of its own.
   */
  alias_of?: string | null;
}

/**
 * PUT /__falmock/scopes/{name}: Create a scope, or set its pace. This is optional: the first call that names a scope
 * creates it.
 */
export type CreateScopeAnswer = Scope;

/** DELETE /__falmock/scopes/{name}: Remove a scope and everything in it. */
export interface DropScopeAnswer {
  dropped: string;
}

/** GET /__falmock/faults: The rules for faults of a scope. */
export interface ListFaultsAnswer {
  faults: Rule[];
}

/** The content of a file of fal_faults: {"faults": [...]}. */
export type SetFaultsBody = Record<string, unknown>;

/**
 * PUT /__falmock/faults: Set the rules for faults of a scope, in place of those set before. They take precedence over
 * those in files.
 */
export interface SetFaultsAnswer {
  faults: Rule[];
}

/** DELETE /__falmock/faults: Remove the rules that were set in a scope. */
export interface ClearFaultsAnswer {
  faults: Rule[];
}

/** GET /__falmock/errors: The errors that faults and failing jobs may name. */
export interface ListErrorsAnswer {
  errors: NamedError[];
}

export interface ReadEventsQuery {
  /**
   * Only calls after this one: the id of an event (the header Last-Event-ID takes precedence), or a number in the
   * journal. The id has the number, and behind the point which journal that is: numbers begin at 1 again.
   */
  after?: string;
}

/**
 * GET /__falmock/events: What happens in a scope, from now on: all that is kept first, then each change, until the
 * client disconnects.
 */
export type ReadEventsAnswer = string;

export interface ListFixturesQuery {
  /** true: added ones; false: those on disk. */
  added?: boolean;
  /** Only those with this model as written in the fixture, or a glob. */
  model?: string;
  /** How many to list at most. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
}

/**
 * GET /__falmock/fixtures: The fixtures of a scope: first those that were added, which take precedence, then those on
 * disk in file order. For the scope `*` those on disk, and whether any scope used them, dropped ones too.
 */
export interface ListFixturesAnswer {
  fixtures: Fixture[];
  total: number;
  limit: number;
  offset: number;
}

/**
 * The content of a fixture file, {"fixtures": [...]}, or one fixture; and in "assets" the files that they refer to,
 * unless other fixtures refer to them too. One scope may have 64 MiB.
 */
export interface AddFixturesBody {
  /** The files that the fixtures refer to, by name (like files in _assets), with their content in base64. */
  assets?: Record<string, string>;
  [name: string]: unknown;
}

/**
 * POST /__falmock/fixtures: Add fixtures to a scope, with the files that they refer to. They take precedence over those
 * on disk and those added before, until they are removed or the scope is reset or dropped.
 */
export interface AddFixturesAnswer {
  added: string;
  fixtures: Fixture[];
}

/** DELETE /__falmock/fixtures: Remove all fixtures that were added to a scope. */
export interface RemoveFixturesAnswer {
  removed: string[];
}

/** DELETE /__falmock/fixtures/{added}: Remove the fixtures that one call added to a scope. */
export interface RemoveAddedAnswer {
  removed: string[];
}

/** POST /__falmock/fixtures/reload: Read the fixtures and the rules for faults on disk again now. */
export interface ReloadFixturesAnswer {
  message: string;
}

/** Which call, and what to do with it. */
export interface AddFixtureFromBody {
  /** Its number in the journal. */
  call: number;
  /** What it matches: the whole input (the default), the prompt alone, or any input. */
  input?: "exact" | "prompt" | "any";
  /** memory is the default. */
  to?: "memory" | "disk";
  /** The file's path in the fixtures folder, without .json. By default one is made of the endpoint id. */
  file?: string;
  /** The answer, as in a fixture. By default one is made. */
  response?: Record<string, unknown>;
  /** The id of a fixture, file#index, whose answer it gets; not the timeline of its job. */
  like?: string;
  /** An error that listErrors names, or an object as in a fault. */
  error?: string | Record<string, unknown>;
  /**
   * The SHA-256 of a file that falmock has: it is the first file in the output, which is made by the model's schema, or
   * else is that of the nearest fixture.
   */
  asset?: string;
  /** true: only show what would be written, and where. */
  preview?: boolean;
}

/**
 * POST /__falmock/fixtures/from: Make a fixture of a call in the journal: it matches the call's input, and answers as
 * was made for it, or as one of `response`, `like`, `error` and `asset` says. In memory it is as if added; on disk it is
 * a new file, and nothing that exists is changed.
 */
export interface AddFixtureFromAnswer {
  file: string | null;
  text: string;
}

export interface ListJobsQuery {
  /** Only jobs in this state. */
  state?: "queued" | "running" | "finished" | "cancelled" | "expired";
  /** Only jobs of this endpoint id. */
  endpoint?: string;
  /** How many to list at most. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
}

/** GET /__falmock/jobs: The jobs of a scope, in the order of their submits. */
export interface ListJobsAnswer {
  jobs: Job[];
  total: number;
  limit: number;
  offset: number;
}

/** GET /__falmock/jobs/{request_id}: One job. */
export type ShowJobAnswer = Job;

/** GET /__falmock/jobs/{request_id}/result: What a job was given and answered. */
export type ShowJobResultAnswer = JobResult;

/** POST /__falmock/jobs/{request_id}/advance: Move a job by one step at any pace: to running, then to its end. */
export type AdvanceJobAnswer = Job;

/** POST /__falmock/jobs/{request_id}/complete: Complete a job now, with the answer of its fixture. */
export type CompleteJobAnswer = Job;

/** The error; by default internal_server_error. */
export interface FailJobBody {
  /** The name of an error, or an object, as in the key error of a fault in fixtures. */
  error?: string | Record<string, unknown>;
}

/** POST /__falmock/jobs/{request_id}/fail: End a job now, with an error. */
export type FailJobAnswer = Job;

/**
 * POST /__falmock/jobs/{request_id}/hold: Hold a job in its state until it is moved or released; at the pace manual
 * every job begins held.
 */
export type HoldJobAnswer = Job;

/** POST /__falmock/jobs/{request_id}/release: Let a held job continue at its pace; at the pace manual it ends at once. */
export type ReleaseJobAnswer = Job;

export interface ReadJournalQuery {
  /** The kind of call. */
  call?: "run" | "submit" | "status" | "result" | "cancel" | "stream" | "status-stream" | "socket" | "upload" | "download" | "token" | "keys" | "mapping" | "message" | "webhook" | "images" | "models" | "preflight" | "other";
  /** An endpoint id, or a glob. */
  endpoint?: string;
  /** The request id of a job or run. */
  request_id?: string;
  /** The HTTP status of its answer. */
  status?: number;
  /** The id of the fixture that answered, or a glob. */
  fixture?: string;
  /** The name of the injected fault, or a glob. */
  fault?: string;
  /** true: no fixture answered; false: all others. */
  miss?: boolean;
  /** Only calls from this time on (seconds since the epoch). */
  since?: number;
  /** The door by which it came. */
  door?: "openai" | "aimock" | "server-proxy";
  /** How many to list at most. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
}

/**
 * GET /__falmock/journal: The calls of a scope that match all parameters, the oldest first. Several falmocks with one
 * store (fal_store) have one journal.
 */
export interface ReadJournalAnswer {
  entries: Entry[];
  total: number;
  limit: number;
  offset: number;
  /** The number of all calls since the journal was cleared. */
  calls: number;
  /** How many of them, the latest, are kept. */
  kept: number;
}

/** DELETE /__falmock/journal: Clear the calls of a scope, and which fixtures answered them. */
export interface ClearJournalAnswer {
  cleared: number;
}

/** GET /__falmock/journal/{number}: One call, the files in its input, and what came of it over time. */
export interface ShowCallAnswer {
  entry: Entry;
  files: File[];
  pieces: Piece[];
}

export interface ListMissesQuery {
  /** How many to list at most. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
}

/**
 * GET /__falmock/misses: What no fixture answered in a scope, grouped by what was asked, the latest first: the last 200
 * different ones since the journal was cleared. In a store (fal_store): of the calls that the journal keeps.
 */
export interface ListMissesAnswer {
  misses: Miss[];
  total: number;
  limit: number;
  offset: number;
}

/** The pace. */
export interface SetPaceBody {
  /** As in fal_pace; null: fal_pace itself. */
  pace: string | null;
}

/** PUT /__falmock/pace: Set the pace of the new jobs of a scope, until the scope is reset or dropped. */
export interface SetPaceAnswer {
  pace: string;
}

/** The expectations, as in {"calls": [{"endpoint": "fal-ai/flux/dev", "times": 1}], "nothing_unmatched": true} */
export interface VerifyBody {
  calls?: ({
    /** By default: message, run, stream, submit. */
    call?: "run" | "submit" | "status" | "result" | "cancel" | "stream" | "status-stream" | "socket" | "upload" | "download" | "token" | "keys" | "mapping" | "message" | "webhook" | "images" | "models" | "preflight" | "other";
    /** An endpoint id, or a glob. */
    endpoint?: string;
    request_id?: string;
    status?: number;
    /** The id of a fixture, or a glob. */
    fixture?: string;
    fault?: string;
    miss?: boolean;
    /** The door by which it came. */
    door?: "openai" | "aimock" | "server-proxy";
    /** Seconds since the epoch. */
    since?: number;
    /**
     * What the input must contain, as in match.input of fixtures: matchers such as {"$contains": "cat"}, and files as
     * {"$file": "sha256:<hex>"}.
     */
    input?: Record<string, unknown>;
    /** The exact number. */
    times?: number;
    /** The minimum; 1 if no number is given. */
    at_least?: number;
    at_most?: number;
  })[];
  /** Whether the calls must come in this order. */
  in_order?: boolean;
  /** Whether every call needs a fixture. */
  nothing_unmatched?: boolean;
  /** Which fixtures must have answered: added ones, or all. */
  fixtures_used?: "added" | "all";
}

/** POST /__falmock/verify: Verify the calls of a scope, and list what is not as expected. */
export interface VerifyAnswer {
  ok: boolean;
  text: string;
  problems: string[];
}

export interface ReportQuery {
  /** Fixtures recorded since then (seconds since the epoch) do not count as unused. */
  since?: number;
}

/**
 * GET /__falmock/report: What this process answered in all scopes since the start, also in those that were dropped:
 * others with the same store count apart.
 */
export interface ReportAnswer {
  version: string;
  mode: string;
  calls: number;
  replayed: number;
  /** Calls with made answers, and those about their jobs. */
  synthesized: number;
  misses: number;
  /** Calls that went on to fal. */
  forwarded: number;
  /** Calls that were answered without a fixture, such as uploads. */
  without_fixture: number;
  /** What the misses were, the first 200 of them. */
  missed: Missed[];
  /** The number of fixtures on disk. */
  fixtures: number;
  /** Those that answered no call, as file#index. */
  unused: string[];
}

/** DELETE /__falmock/report: Begin a new report: all counts become 0. */
export interface ClearReportAnswer {
  cleared: true;
}

export interface ListSchemasQuery {
  /** How many to list at most. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
}

/**
 * GET /__falmock/schemas: The OpenAPI documents of models, by which inputs are checked: sorted by endpoint id, with
 * where they came from.
 */
export interface ListSchemasAnswer {
  schemas: ModelSchema[];
  total: number;
  limit: number;
  offset: number;
}

export interface ListAssetsQuery {
  /** How many to list at most. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
}

/**
 * GET /__falmock/assets: The files that falmock has: uploads of all scopes, the newest first; files of made answers,
 * those that were read and the last 20; and files of the fixtures of a scope.
 */
export interface ListAssetsAnswer {
  assets: Asset[];
  total: number;
  limit: number;
  offset: number;
}

/** The file. */
export interface AddAssetBody {
  /** Its file name, which suggests its media type. */
  name: string;
  /** Its content in base64. */
  data: string;
}

/** POST /__falmock/assets: Add a file, as if it was uploaded: its URLs work from now on, in all scopes. */
export type AddAssetAnswer = Asset;

export interface ReadAssetQuery {
  /** A ticket, in place of the token: elements of pages cannot send headers. */
  ticket?: string;
}

/**
 * GET /__falmock/assets/{sha256}: The content of a file, or a range of it, with the media type that its first bytes
 * suggest. All but images, sounds and films is an attachment.
 */
export type ReadAssetAnswer = Blob;

/** POST /__falmock/assets/tickets: A ticket to read files for a minute without the token. */
export interface GiveTicketAnswer {
  ticket: string;
  expires: number;
}

/** GET /__falmock/openapi.json: This document. */
export type DescribeAnswer = Record<string, unknown>;
