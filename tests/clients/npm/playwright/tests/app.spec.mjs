import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test as base } from "falmock/playwright";

// The app's backend, one for each worker, in the scope of the pages.
const test = base.extend({
  app: [
    async ({ falmockWorker }, use) => {
      const app = spawn("node", ["app.mjs"], { env: { ...process.env, ...falmockWorker.environment } });
      const [line] = await once(app.stdout, "data");
      await use(String(line).trim());
      app.kill();
    },
    { scope: "worker" },
  ],
});

const FLUX = "fal-ai/flux/dev";

test("a page and its backend call fal in one scope", async ({ page, app, falmock }) => {
  await page.goto(`${app}/?prompt=a cat`);
  await expect(page.locator("#backend")).toHaveText('{"seed":7}');
  await expect(page.locator("#page")).toHaveText('{"seed":7}');
  await falmock.verify([{ endpoint: FLUX, times: 2 }]);
});

test("begins without calls", async ({ falmock }) => {
  expect(await falmock.journal()).toEqual([]);
});

test("fails: a miss", async ({ page, app }) => {
  await page.goto(`${app}/?prompt=a dog`);
  await expect(page.locator("#page")).toContainText("no fixture answers");
});

test("may miss", async ({ page, app, falmock }) => {
  falmock.allowMisses();
  await page.goto(`${app}/?prompt=a dog`);
  await expect(page.locator("#page")).toContainText("no fixture answers");
});
