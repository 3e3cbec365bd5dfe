// Finds the command `falmock`, which is a Python program. This package's own command has the same name, and npm puts it first
// on PATH.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const VARIABLE = "FALMOCK_COMMAND";
const NPMS = /^#!(?:[^\n]*[/\s])?node\s|^#![^\n]*sh\s[^]*node_modules/; // a script for node, and pnpm's for a shell
const HOW_TO_INSTALL = `falmock: this package needs the command falmock, a Python program, and found none on PATH.
Install it from a clone of its repository, with Python 3.11 or newer, in one of these ways:
  uv tool install ./falmock
  pipx install ./falmock
  python3 -m venv .venv && .venv/bin/pip install ./falmock
If it is not on PATH then, say where it is, as in ${VARIABLE}=.venv/bin/falmock`;

/** The command was not found; the message says how to install it. */
class NoCommand extends Error {
  constructor(message = HOW_TO_INSTALL) {
    super(message);
    this.name = "NoCommand";
  }
}

/** The words of the command that runs falmock: FALMOCK_COMMAND, or else `falmock` on PATH. Throws NoCommand. */
function findCommand(env = process.env) {
  const given = (env[VARIABLE] ?? "").trim();
  if (given) return words(given);
  const found = onPath(env);
  if (!found) throw new NoCommand();
  return [found];
}

/** A command line split at blanks, except in quotes. The program may be in another folder than the one that it will run in. */
function words(line) {
  const found = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const unquoted = found.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single));
  const [program, ...more] = unquoted;
  if (!program) throw new NoCommand(`falmock: ${VARIABLE}=${line}: expected a command, found none`);
  return [program.includes("/") ? path.resolve(program) : program, ...more];
}

function onPath(env) {
  const name = process.platform === "win32" ? "falmock.exe" : "falmock";
  const folders = (env.PATH ?? env.Path ?? "").split(path.delimiter);
  return folders.filter(Boolean).map((folder) => path.resolve(folder, name)).find(isFalmock);
}

/** Whether a file is a program, and not one of npm's commands: a link into node_modules, or a script that starts node. */
function isFalmock(file) {
  try {
    const real = fs.realpathSync(file);
    if (!fs.statSync(real).isFile() || [file, real].some((name) => name.split(path.sep).includes("node_modules"))) return false;
    fs.accessSync(real, fs.constants.X_OK);
    return !NPMS.test(start(real));
  } catch {
    return false;
  }
}

function start(file) {
  const bytes = Buffer.alloc(4096);
  const opened = fs.openSync(file, "r");
  try {
    return bytes.toString("latin1", 0, fs.readSync(opened, bytes));
  } finally {
    fs.closeSync(opened);
  }
}

module.exports = { NoCommand, findCommand, words };
