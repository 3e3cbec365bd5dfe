// Jest runs tests in a sandbox with a copy of `process`, whose environment child processes do not inherit, and with a copy of every
// module for every test file. This file loads modules outside of it: once for a process, with its own `process`.
"use strict";

const vm = require("node:vm");

const realProcess = vm.runInThisContext("process");

module.exports = { load: realProcess.getBuiltinModule("node:module").createRequire(__filename) };
