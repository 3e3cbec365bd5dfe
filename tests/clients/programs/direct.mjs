// An app that knows of no proxy: a plain fetch, and a fal client as it comes.
import { fal } from "@fal-ai/client";

const app = "fal-ai/flux/dev";

const headers = { "content-type": "application/json" };
const answer = await fetch(`https://fal.run/${app}`, { method: "POST", headers, body: "{}" });
const answered = await answer.json();
const { data: subscribed } = await fal.subscribe(app, { input: {}, pollInterval: 50 });
const url = await fal.storage.upload(new Blob(["a file"], { type: "text/plain" }));
const downloaded = await (await fetch(url)).text();

console.log(JSON.stringify({ answered, subscribed, downloaded }));
