// CommonJS, which every Node.js loads with `import` and with `require`, and jest and Playwright need.
"use strict";

const { NoCommand, findCommand } = require("./lib/command.cjs");
const { FalmockError, Scope } = require("./lib/control.cjs");
const { Falmock, inheritedFalmock, startFalmock } = require("./lib/server.cjs");

module.exports = { Falmock, FalmockError, NoCommand, Scope, findCommand, inheritedFalmock, startFalmock };
