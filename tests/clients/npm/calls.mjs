// An app's calls to fal, by the ways that programs have.
import { execFile } from "node:child_process";
import { request } from "node:https";
import { promisify } from "node:util";

const ADDRESS = "https://fal.run/fal-ai/flux/dev";
const HEADERS = { authorization: `Key ${process.env.FAL_KEY}`, "content-type": "application/json" };

const options = (prompt) => ({ method: "POST", headers: HEADERS, body: JSON.stringify({ prompt }) });

export async function run(prompt) {
  const response = await fetch(ADDRESS, options(prompt));
  return response.json();
}

export function runByHttps(prompt) {
  return new Promise((resolve, reject) => {
    const { body, ...head } = options(prompt);
    const answered = async (response) => resolve(JSON.parse((await response.toArray()).join("")));
    request(ADDRESS, head, answered).on("error", reject).end(body);
  });
}

export async function runInAnotherProcess(prompt) {
  const own = JSON.stringify(import.meta.url);
  const program = `import(${own}).then(async ({ run }) => console.log(JSON.stringify(await run(process.argv[1]))))`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", program, prompt]);
  return JSON.parse(stdout);
}

export async function submit(prompt) {
  const response = await fetch(ADDRESS.replace("fal.run", "queue.fal.run"), options(prompt));
  return response.json();
}
