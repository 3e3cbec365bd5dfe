import { expect, test } from "./app.mjs"; // of the README

const FLUX = "fal-ai/flux/dev";

test("a page and its backend call fal in one scope", async ({ page, falmock }) => {
  await page.goto("/?prompt=a cat");
  await expect(page.locator("#backend")).toHaveText('{"seed":7}');
  await expect(page.locator("#proxy")).toHaveText('{"seed":7}');
  await expect(page.locator("#page")).toHaveText('{"seed":7}');
  await falmock.verify([{ endpoint: FLUX, times: 3 }]);
});

test("a test calls fal by itself", async ({ request, falmock }) => {
  const options = { method: "POST", data: { prompt: "a cat" } };
  expect(await (await request.fetch(`https://fal.run/${FLUX}`, options)).json()).toEqual({ seed: 7 });
  expect(await (await fetch(`https://fal.run/${FLUX}`, { method: "POST", body: '{"prompt":"a cat"}' })).json()).toEqual({ seed: 7 });
  await falmock.verify([{ endpoint: FLUX, times: 2 }]);
});

test("begins without calls", async ({ falmock }) => {
  expect(await falmock.journal()).toEqual([]);
});

test("fails: a miss", async ({ page }) => {
  await page.goto("/?prompt=a dog");
  await expect(page.locator("#page")).toContainText("no fixture answers");
});

test("may miss", async ({ page, falmock }) => {
  falmock.allowMisses();
  await page.goto("/?prompt=a dog");
  await expect(page.locator("#page")).toContainText("no fixture answers");
});
