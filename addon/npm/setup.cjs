// A global setup for vitest and jest: one falmock for all test files.
"use strict";

const { setEnvironment } = require("./lib/process.cjs");
const { inheritedFalmock, startFalmock } = require("./lib/server.cjs");

/** Makes a global setup with these options. Workers inherit the environment that it sets. */
function globalSetup(options = {}) {
  return async function setup() {
    const falmock = (await inheritedFalmock()) ?? (await startFalmock(options));
    if (falmock.isInherited) return undefined;
    const putBack = setEnvironment(falmock.environment);
    return async function teardown() {
      putBack();
      await falmock.stop();
    };
  };
}

module.exports = globalSetup();
module.exports.globalSetup = globalSetup;
