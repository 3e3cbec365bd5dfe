#!/usr/bin/env node
// `npx falmock ...`: runs the Python command with the same arguments, terminal, signals and exit code.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { isatty } = require("node:tty");
const { NoCommand, findCommand } = require("../lib/command.cjs");

const NOT_FOUND = 127;
const STARTED_BY = "FALMOCK_STARTED_BY"; // our process id, so that this program notices when it has started itself
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];
const OF_THE_KEYBOARD = ["SIGINT", "SIGQUIT"];

function main() {
  let command;
  try {
    if (process.env[STARTED_BY] === String(process.ppid)) {
      throw new NoCommand("falmock: FALMOCK_COMMAND, or the falmock on PATH, is the command of the npm package; expected the Python one");
    }
    command = findCommand();
  } catch (error) {
    if (!(error instanceof NoCommand)) throw error;
    return fail(error.message);
  }
  const [program, ...before] = command;
  const env = { ...process.env, [STARTED_BY]: String(process.pid) };
  const child = spawn(program, [...before, ...process.argv.slice(2)], { stdio: "inherit", env });
  for (const signal of SIGNALS) process.on(signal, () => passOn(child, signal));
  child.on("error", (error) => fail(`falmock: ${command.join(" ")} cannot be started: ${error.message}`));
  child.on("exit", end);
}

/** The keyboard's signals reach every process of a terminal by themselves. */
function passOn(child, signal) {
  const isFromKeyboard = OF_THE_KEYBOARD.includes(signal) && [0, 1, 2].some(isatty);
  if (!isFromKeyboard) child.kill(signal);
}

/** End as the child has ended: with its exit code, or by the same signal. */
function end(code, signal) {
  if (!signal) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100); // for a signal that does not end a process
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = NOT_FOUND;
}

main();
