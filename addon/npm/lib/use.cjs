// useFalmock for any test runner: one falmock for a test file, one scope for each test, misses fail.
"use strict";

const { createHash } = require("node:crypto");
const path = require("node:path");
const { FalmockError, Scope } = require("./control.cjs");
const { goThrough, setEnvironment, useScope } = require("./process.cjs");
const { inheritedFalmock, startFalmock } = require("./server.cjs");

const OF_THE_SERVER = ["fixtures", "mode", "pace", "options"];
const LONGEST = 100; // characters of a scope's name before its digest

/** The scope of the test that runs. Between tests it is the scope of the file. */
class TestScope extends Scope {
  environment = {};
  #mayMiss;

  constructor(mayMiss) {
    super("");
    this.#mayMiss = mayMiss;
  }

  /** Misses do not fail the test that runs. */
  allowMisses() {
    this.#mayMiss = true;
  }

  /** Throws the reports of the calls that no fixture answered, unless they are allowed. */
  async check() {
    if (!this.#mayMiss) throwMisses(await this.misses());
  }

  async enter(server, name, { misses, faults }) {
    const { environment } = server.scope(name);
    Object.assign(this, { url: server.url, name, environment });
    this.#mayMiss = misses === "allow";
    useScope(name);
    await this.reset();
    if (faults) await this.setFaults(faults);
  }
}

/** Registers the hooks of a test runner, and returns the scope of the test that runs. */
function useWith(runner, options = {}) {
  const scope = new TestScope(options.misses === "allow");
  const putBack = [];
  let server, running;

  function enter(name) {
    const entered = scope.enter(server, name, options);
    putBack.push(setEnvironment(scope.environment, runner.environments?.()));
    return entered;
  }

  runner.beforeAll(async () => {
    server = await serverFor(options);
    putBack.push(setEnvironment(server.environment, runner.environments?.()));
    goThrough(server.ca);
    await enter(scopeName(runner.file()));
  });

  runner.beforeEach(async (context) => {
    const name = runner.test(context);
    if (running !== undefined) {
      throw new FalmockError(
        `useFalmock: ${name} runs at the same time as ${running}, and a process has one scope at a time: ` +
          "run the tests of a file one after the other, without test.concurrent",
      );
    }
    running = name;
    await enter(scopeName(`${runner.file()} ${name}`));
  });

  runner.afterEach(async () => {
    running = undefined;
    try {
      await scope.check();
    } finally {
      await enter(scopeName(runner.file()));
    }
  });

  runner.afterAll(async () => {
    useScope("");
    for (const each of putBack.reverse()) each();
    await server?.stop();
  });
  return scope;
}

/** A falmock of its own for options that concern a whole server; else the one that was started for all tests, if there is one. */
async function serverFor(options) {
  const isOwn = OF_THE_SERVER.some((name) => options[name] !== undefined);
  return (isOwn ? undefined : await inheritedFalmock()) ?? startFalmock(options);
}

/** A scope's name as it may stand in a URL; names that differ have scopes that differ. */
function scopeName(text) {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 8);
  const plain = text.replace(/[^\w.]+/g, "-").replace(/^-|-$/g, "");
  return `${plain.slice(-LONGEST)}-${digest}`;
}

/** Throws the reports of calls that no fixture answered, each once. */
function throwMisses(misses) {
  if (!misses.length) return;
  const reports = [...new Set(misses.map((entry) => entry.miss))];
  const many = misses.length === 1 ? "1 call was not answered" : `${misses.length} calls were not answered`;
  throw new FalmockError(`${many} by a fixture\n\n${reports.join("\n\n")}`);
}

/** The file of a test, as it is seen from the folder where the tests were started. */
function shown(file) {
  return path.relative(process.cwd(), file).split(path.sep).join("/");
}

module.exports = { scopeName, serverFor, shown, throwMisses, useWith };
