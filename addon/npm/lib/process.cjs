// Makes this process call fal through falmock, and lets each call say its scope. For programs that this process starts, their
// environment is enough.
"use strict";

const channels = require("node:diagnostics_channel");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const tls = require("node:tls");

const HEADER = "x-falmock-scope";
const PRELOAD = "preload.cjs"; // the name of falmock's file, which follows those that the user preloads
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;
const ABSENT = Symbol("absent");

let scope = "";
const trusted = new Set(); // certificates of CAs, as PEM
let isHooked = false;

/** Sets variables of this process, and in other objects like `process.env`; returns a function that puts back what was there. */
function setEnvironment(environment, others = []) {
  const before = [process.env, ...others].map((env) => [env, Object.keys(environment).map((name) => [name, env[name] ?? ABSENT])]);
  for (const [env] of before) Object.assign(env, environment);
  return () => {
    for (const [env, values] of before) {
      for (const [name, value] of values) {
        if (value === ABSENT) delete env[name];
        else env[name] = value;
      }
    }
  };
}

/** From now on, calls of this process to fal go through the falmock of its environment. `ca` is the file of its certificate. */
function goThrough(ca) {
  for (const certificate of ca ? certificates(ca) : []) trusted.add(certificate);
  if (isHooked) return;
  isHooked = true;
  // NODE_OPTIONS and NODE_EXTRA_CA_CERTS came too late for this process.
  const hook = preload(process.env.NODE_OPTIONS ?? "");
  if (hook) require(hook);
  trustLate();
  nameScope();
}

/** The certificates in a file, each as PEM. */
function certificates(file) {
  return fs.readFileSync(file, "latin1").match(CERTIFICATES) ?? [];
}

/** Says to which scope the calls of this process belong; "" for that of its environment. */
function useScope(name) {
  scope = name;
}

/** falmock's file among those that NODE_OPTIONS preloads. */
function preload(options) {
  const words = options.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
  const unquoted = words.map((word) => word.replace(/"((?:\\.|[^"\\])*)"/g, (_, text) => text.replace(/\\(.)/g, "$1")));
  const files = unquoted.map((word, at) => (/^(--require|-r)$/.test(word) ? unquoted[at + 1] : /^--require=(.*)/.exec(word)?.[1]));
  return files.findLast((file) => path.basename(file ?? "") === PRELOAD);
}

/** Adds the CA to those that a client trusts if it names none itself, as NODE_EXTRA_CA_CERTS does. */
function trustLate() {
  const create = tls.createSecureContext;
  tls.createSecureContext = function createSecureContext(options) {
    const made = create.call(this, options);
    if (!options?.ca) for (const certificate of trusted) made.context.addCACert(certificate);
    return made;
  };
}

/** A header says the scope of each call to fal: a connection that is kept alive may have been opened by the test before. */
function nameScope() {
  channels.subscribe("undici:request:create", ({ request }) => {
    if (scope && isFal(hostname(request.origin)) && !JSON.stringify(request.headers ?? "").toLowerCase().includes(HEADER)) {
      request.addHeader(HEADER, scope);
    }
  });
  const add = http.Agent.prototype.addRequest;
  http.Agent.prototype.addRequest = function addRequest(request, ...rest) {
    if (scope && isFal(request.host) && !request.headersSent && !request.hasHeader(HEADER)) request.setHeader(HEADER, scope);
    return add.call(this, request, ...rest);
  };
}

/** Whether a host is one that falmock answers for. In FALMOCK_HOSTS, `.fal.run` stands for the domain and all names below it. */
function isFal(host) {
  const names = (process.env.FALMOCK_HOSTS ?? "").split(",").filter(Boolean);
  return names.some((name) => (name.startsWith(".") ? `.${host}`.endsWith(name) : host === name));
}

function hostname(origin) {
  try {
    return new URL(origin).hostname;
  } catch {
    return "";
  }
}

module.exports = { certificates, goThrough, preload, setEnvironment, useScope };
