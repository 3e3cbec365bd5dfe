// Fixtures for Playwright: the pages of a test, and the programs that it starts, call fal through falmock.
"use strict";

const { test: base, expect } = require("@playwright/test");
const { BrowserProxy, digestsOfKeys } = require("./lib/browser.cjs");
const { goThrough, setEnvironment, useScope } = require("./lib/process.cjs");
const { scopeName, serverFor, throwMisses } = require("./lib/use.cjs");

const LOCAL = "localhost,127.0.0.1,[::1]";

/**
 * `falmock` is the scope of this worker, which is emptied before each test. All that a worker runs, one test after the other,
 * belongs to it: pages, and programs with `falmock.environment`.
 */
const test = base.extend({
  falmockOptions: [{}, { option: true, scope: "worker" }],

  falmockServer: [
    async ({ falmockOptions }, use) => {
      const server = await serverFor(falmockOptions);
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  falmockWorker: [
    async ({ falmockServer }, use, { config, parallelIndex, project }) => {
      // With one worker, whatever `falmock run` started, such as Playwright's webServer, belongs to the same scope as the pages.
      const isShared = falmockServer.isInherited && config.workers === 1;
      const name = isShared ? (process.env.FALMOCK_SCOPE ?? "") : scopeName(`playwright ${project.name} ${parallelIndex}`);
      const scope = falmockServer.scope(name);
      const proxy = await BrowserProxy.start(falmockServer.url, scope.name);
      const putBack = setEnvironment(scope.environment);
      goThrough(falmockServer.ca);
      useScope(scope.name);
      await use(Object.assign(scope, { proxy: { server: proxy.url, bypass: LOCAL } }));
      putBack();
      await proxy.stop();
    },
    { scope: "worker" },
  ],

  falmock: [
    async ({ falmockWorker, falmockOptions }, use) => {
      const { misses, faults } = falmockOptions;
      let mayMiss = misses === "allow";
      await falmockWorker.reset();
      if (faults) await falmockWorker.setFaults(faults);
      falmockWorker.allowMisses = () => (mayMiss = true);
      await use(falmockWorker);
      if (!mayMiss) throwMisses(await falmockWorker.misses());
    },
    { auto: true },
  ],

  proxy: async ({ falmockWorker }, use) => use(falmockWorker.proxy),

  // Chromium trusts the CA by its key, the other browsers do not know such an option.
  launchOptions: [
    async ({ launchOptions, falmockServer }, use) => {
      const args = [...(launchOptions.args ?? []), `--ignore-certificate-errors-spki-list=${digestsOfKeys(falmockServer.ca)}`];
      await use({ ...launchOptions, args });
    },
    { scope: "worker" },
  ],
  ignoreHTTPSErrors: async ({ browserName, ignoreHTTPSErrors }, use) => use(browserName === "chromium" ? ignoreHTTPSErrors : true),
});

module.exports = { expect, test };
