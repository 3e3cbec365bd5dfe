// Starts `falmock serve`, or finds the falmock that another process has started.
"use strict";

const { spawn } = require("node:child_process");
const path = require("node:path");
const { findCommand } = require("./command.cjs");
const { FalmockError, Scope } = require("./control.cjs");

const CONTROL = 1; // the version of the control API that this package speaks
const START_SECONDS = 60;
const STOP_SECONDS = 10;
const KEPT = 20_000; // characters of the server's output, for messages
const FORWARDING = ["record", "auto", "passthrough"];
const RUNNERS = { vitest: "npx vitest run", jest: "npx jest", playwright: "npx playwright test" };
const KEYS = [["FAL_KEY"], ["FAL_KEY_ID", "FAL_KEY_SECRET"]];

/** A running falmock. Its own calls of the control API are about the default scope. */
class Falmock extends Scope {
  /** `environment` are the variables for programs; those named in `proxied` contain the URL, and so the scope. */
  constructor(url, { environment, proxied, ca, version, stop }) {
    super(url);
    this.environment = environment;
    this.ca = ca;
    this.version = version;
    this.isInherited = !stop;
    this.proxied = proxied;
    this.stop = stop ?? (async () => {});
  }

  /** A scope of its own, with the environment for programs whose calls belong to it. */
  scope(name) {
    const proxy = withUser(this.url, name);
    const proxies = Object.fromEntries(this.proxied.map((each) => [each, proxy]));
    const environment = { ...this.environment, ...proxies, FALMOCK_SCOPE: name };
    return Object.assign(new Scope(this.url, name), { environment });
  }
}

/** Starts a falmock on a free port, which ends with this process at the latest. */
async function startFalmock(options = {}) {
  const env = { ...process.env, ...options.env };
  const words = [...(options.command ?? findCommand(env)), "serve", "--port", "0", ...flags(options, env)];
  needsKey(words, env);
  const child = spawn(words[0], words.slice(1), {
    cwd: options.cwd,
    env: { ...env, FALMOCK_READY_FD: "3", FALMOCK_STARTED_AS: `FALMOCK_MODE={mode} ${startedAs()}` },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const server = new Server(child, words);
  const line = await server.ready((options.startSeconds ?? START_SECONDS) * 1000);
  if (line.control !== CONTROL) {
    await server.stop();
    const found = `falmock ${line.falmock} has version ${line.control} of the control API`;
    throw new FalmockError(`${found}, this package needs ${CONTROL}: update one of them`);
  }
  for (const warning of line.warnings ?? []) process.stderr.write(`falmock: ${warning}\n`);
  return new Falmock(line.url, { ...line, version: line.falmock, stop: () => server.stop() });
}

/** The falmock that `falmock run` or a global setup has started for this process (FALMOCK_URL); undefined if there is none. */
async function inheritedFalmock(env = process.env) {
  const url = env.FALMOCK_URL;
  if (!url) return undefined;
  const { host } = new URL(url);
  const proxied = Object.keys(env).filter((name) => /_proxy$/i.test(name) && hostOf(env[name]) === host);
  const health = await new Scope(url).call("GET", "/health").catch((error) => {
    throw new FalmockError(`FALMOCK_URL=${url}: ${error.message}; unset it, or start falmock again`);
  });
  const environment = { ...Object.fromEntries(proxied.map((name) => [name, url])), FALMOCK_URL: url };
  return new Falmock(url, { environment, proxied, ca: env.NODE_EXTRA_CA_CERTS, version: health.version });
}

/** A `falmock serve` as a child process. */
class Server {
  #output = "";
  #ended;

  constructor(child, words) {
    this.child = child;
    this.words = words;
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(`it cannot be started: ${error.message}`));
      child.once("close", (code, signal) => resolve(`it ended with ${signal ?? code}`));
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => (this.#output = (this.#output + text).slice(-KEPT)));
    }
  }

  /** Waits for the line that says that it listens. The socket stays open: the server ends when it is closed. */
  async ready(milliseconds) {
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds, `it took over ${milliseconds / 1000} s`)));
    const found = await Promise.race([firstLine(this.child.stdio[3]), this.#ended, late]);
    clearTimeout(timer);
    if (found.startsWith("{")) {
      for (const each of [this.child, ...this.child.stdio]) each?.unref?.();
      return JSON.parse(found);
    }
    await this.stop();
    throw new FalmockError(`${this.words.join(" ")} did not start: ${found}\n${this.#output.trimEnd()}`);
  }

  async stop() {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_SECONDS * 1000);
    this.child.kill();
    await this.#ended;
    clearTimeout(timer);
    this.child.stdio[3]?.destroy();
  }
}

/** The first line of a stream; never resolves without one. */
function firstLine(stream) {
  return new Promise((resolve) => {
    let text = "";
    stream?.setEncoding("utf8").on("error", () => {});
    stream?.on("data", (more) => {
      text += more;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
  });
}

/** The command line of the options. */
function flags({ fixtures, mode, pace, options = {} }, env) {
  const found = [];
  const values = { fixtures, pace, ...options, mode: env.FALMOCK_MODE || mode };
  for (const [name, value] of Object.entries(values)) {
    for (const each of [value].flat()) {
      if (each !== undefined) found.push(`--${name.replaceAll("_", "-")}`, String(each));
    }
  }
  return found;
}

/** What a user has called to start this process, for messages that say how to record. */
function startedAs() {
  const script = process.argv[1] ?? "";
  const name = script.split("node_modules").at(-1);
  const runner = name === script ? undefined : Object.keys(RUNNERS).find((each) => name.includes(each));
  return runner ? RUNNERS[runner] : `node ${path.relative("", script)}`.trim();
}

/** Throws if calls will be forwarded to fal, and there is no key for them. */
function needsKey(words, env) {
  const mode = words[words.indexOf("--mode") + 1];
  if (FORWARDING.includes(mode) && !KEYS.some((names) => names.every((name) => env[name]))) {
    throw new FalmockError(`falmock: mode ${mode} forwards calls to fal, for which the app needs your key: set FAL_KEY`);
  }
}

/** The URL of falmock as the proxy of a scope. */
function withUser(url, scope) {
  return scope ? url.replace("://", `://${encodeURIComponent(scope)}:x@`) : url;
}

function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return undefined;
  }
}

module.exports = { Falmock, inheritedFalmock, startFalmock };
