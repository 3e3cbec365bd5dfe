// An app's calls to fal, by the ways that programs have.
import { execFile } from "node:child_process";
import { request } from "node:https";
import { promisify } from "node:util";

const URL = "https://fal.run/fal-ai/flux/dev";
const HEADERS = { authorization: `Key ${process.env.FAL_KEY}`, "content-type": "application/json" };

export async function run(prompt) {
  const response = await fetch(URL, { method: "POST", headers: HEADERS, body: JSON.stringify({ prompt }) });
  return response.json();
}

export function runByHttps(prompt) {
  return new Promise((resolve, reject) => {
    const sent = request(URL, { method: "POST", headers: HEADERS }, async (response) => resolve(JSON.parse((await response.toArray()).join(""))));
    sent.on("error", reject).end(JSON.stringify({ prompt }));
  });
}

export async function runInAnotherProcess(prompt) {
  const program = `import(${JSON.stringify(import.meta.url)}).then(async ({ run }) => console.log(JSON.stringify(await run(process.argv[1]))))`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", program, prompt]);
  return JSON.parse(stdout);
}

export async function submit(prompt) {
  const response = await fetch(URL.replace("fal.run", "queue.fal.run"), { method: "POST", headers: HEADERS, body: JSON.stringify({ prompt }) });
  return response.json();
}
