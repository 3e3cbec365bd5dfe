// A client of falmock's control API. It uses node:http and a connection for each call, so that a test's own fetch, fake timers
// and proxies do not concern it.
"use strict";

const http = require("node:http");

const PREFIX = "/__falmock";
const SECONDS = 60;
const MOST = 1000; // entries of the journal in one answer

/** falmock refused a call of the control API, or calls are not as a test expects. `status` and `body` are its answer. */
class FalmockError extends Error {
  constructor(message, answer = {}) {
    super(message);
    this.name = "FalmockError";
    Object.assign(this, answer);
  }
}

/** One scope of a falmock: the jobs, calls and added fixtures of one test. */
class Scope {
  /** `name` is "" for the default scope. */
  constructor(url, name = "") {
    this.url = url;
    this.name = name;
  }

  /** Adds a fixture, several, or the content of a fixture file; they answer before those on disk. */
  async add(fixtures) {
    return this.call("POST", "/fixtures", {}, Array.isArray(fixtures) ? { fixtures } : fixtures);
  }

  /** Removes what one `add` has added, or all that was added. */
  async remove(added) {
    return this.call("DELETE", added === undefined ? "/fixtures" : `/fixtures/${encodeURIComponent(added)}`);
  }

  /** Sets the rules for faults. */
  async setFaults(faults) {
    return (await this.call("PUT", "/faults", {}, Array.isArray(faults) ? { faults } : faults)).faults;
  }

  /** The calls that match the filter, the oldest first. */
  async journal(filter = {}) {
    return (await this.call("GET", "/journal", { limit: MOST, ...filter })).entries;
  }

  /** The calls that no fixture answered. */
  async misses() {
    return this.journal({ miss: true });
  }

  /** Throws a FalmockError that lists what is not as expected: of these calls, or of all of `expected`. */
  async verify(expected) {
    const { text, ok } = await this.call("POST", "/verify", {}, Array.isArray(expected) ? { calls: expected } : expected, [406]);
    if (!ok) throw new FalmockError(`falmock: the calls are not as expected: ${text}`, { status: 406 });
  }

  /** The jobs that match the filter, in the order of their submits. */
  async jobs(filter = {}) {
    return (await this.call("GET", "/jobs", { limit: MOST, ...filter })).jobs;
  }

  /** One job, by its request id. */
  async job(id) {
    return this.call("GET", `/jobs/${encodeURIComponent(id)}`);
  }

  /** Moves a job by one step: to running, then to its end. Without an id it moves every job that is not over. */
  async advance(id) {
    if (id !== undefined) return this.#move(id, "advance");
    const open = (await this.jobs()).filter((job) => ["queued", "running"].includes(job.state));
    return Promise.all(open.map((job) => this.#move(job.request_id, "advance")));
  }

  /** Completes a job now. */
  async complete(id) {
    return this.#move(id, "complete");
  }

  /** Ends a job now with an error, by default internal_server_error. */
  async fail(id, error) {
    return this.#move(id, "fail", error === undefined ? undefined : { error });
  }

  /** Holds a job in its state until it is moved or released. */
  async hold(id) {
    return this.#move(id, "hold");
  }

  /** Lets a held job continue at its pace. */
  async release(id) {
    return this.#move(id, "release");
  }

  /** Removes the scope's jobs, calls, and added fixtures and faults. */
  async reset() {
    await this.call("POST", "/reset");
  }

  /** Any call of the control API, by its path below /__falmock; returns the JSON of its answer. */
  async call(method, path, query = {}, body = undefined, expected = []) {
    const url = new URL(`${PREFIX}${path}`, this.url);
    for (const [name, value] of Object.entries(this.name ? { scope: this.name, ...query } : query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const { status, text } = await request(method, url, body);
    const value = parsed(text);
    if (status < 300 || expected.includes(status)) return value;
    throw new FalmockError(`falmock: ${method} ${url.pathname}: ${status}: ${complaint(value, text)}`, { status, body: value });
  }

  async #move(id, way, body = undefined) {
    return this.call("POST", `/jobs/${encodeURIComponent(id)}/${way}`, {}, body);
  }
}

function request(method, url, body) {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = content ? { "content-type": "application/json", "content-length": content.length } : {};
  return new Promise((resolve, reject) => {
    const failed = (error) => reject(new FalmockError(`falmock at ${url.origin} does not answer: ${error.message || error.code}`));
    const sent = http.request(url, { method, headers, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", failed);
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    sent.setTimeout(SECONDS * 1000, () => sent.destroy(new Error(`it took over ${SECONDS} s`)));
    sent.on("error", failed);
    sent.end(content);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function complaint(value, text) {
  const problems = (value.problems ?? []).map((each) => `\n  ${each.path}: ${each.message}`);
  return `${value.message ?? text}${problems.join("")}`;
}

module.exports = { FalmockError, Scope };
