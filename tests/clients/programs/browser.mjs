// A user with Chromium: opens pages of a web app, each with a fresh profile, and tells what is seen of them.
import { chromium } from "playwright-core";
import { main } from "./acts.mjs";

const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
// Nobody clicks on these pages: without it Chromium refuses to play anything, now and then.
const PLAYS = "--autoplay-policy=no-user-gesture-required";
// What Chromium does of its own accord is not to reach anything: it finds no host but those that the proxy looks up.
const NO_NAMES = "--host-resolver-rules=MAP * ~NOTFOUND,EXCLUDE 127.0.0.1";
const ALONE = ["--disable-component-update", "--disable-sync", NO_NAMES];
let browser = null;

// Start it, with or without a proxy.
async function launch({ executable, proxy, trust }) {
  const settings = proxy ? proxied(proxy, trust) : [];
  browser = await chromium.launch({ executablePath: executable, args: [...QUIET, ...ALONE, PLAYS, ...settings] });
  return browser.version();
}

// Options for a proxy for fal's hosts; `trust` is the digest of the key of a CA whose certificates are taken for good.
function proxied(proxy, trust) {
  const script = `function FindProxyForURL(url, host) {
    return /(^|\\.)fal\\.(run|ai|media)$/.test(host) ? "PROXY ${new URL(proxy).host}" : "DIRECT";
  }`;
  const pac = `data:application/x-ns-proxy-autoconfig;base64,${btoa(script)}`;
  return [`--proxy-pac-url=${pac}`, `--ignore-certificate-errors-spki-list=${trust}`];
}

// Open pages at the same time, as many tabs.
const visit = ({ urls, seconds }) => Promise.all(urls.map((url) => open(url, seconds)));

// What a page that is through shows, what the console complained of, and what could not be loaded.
async function open(url, seconds) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const seen = { shown: null, failed: null, console: [], unloaded: [], ranges: [] };
  watch(page, seen);
  try {
    await page.goto(url);
    const output = page.locator("output[data-state]");
    await output.waitFor({ timeout: seconds * 1000 });
    const text = await output.textContent();
    if ((await output.getAttribute("data-state")) === "done") seen.shown = JSON.parse(text);
    else seen.failed = text;
  } catch (error) {
    seen.failed = error.message;
  }
  await context.close();
  return seen;
}

function watch(page, seen) {
  page.on("console", (said) => {
    if (["error", "warning"].includes(said.type())) seen.console.push(`${said.text()} (${said.location().url})`);
  });
  page.on("pageerror", (error) => seen.console.push(String(error)));
  page.on("requestfailed", (request) => {
    const why = request.failure().errorText;
    // A player breaks off a download whenever it goes on elsewhere in the file.
    if (request.resourceType() === "media" && why === "net::ERR_ABORTED") return;
    seen.unloaded.push(`${request.url()}: ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) seen.unloaded.push(`${response.url()}: ${response.status()}`);
    if (response.request().resourceType() === "media") {
      seen.ranges.push([response.status(), response.headers()["content-range"]]);
    }
  });
}

await main({ launch, visit });
await browser?.close();
