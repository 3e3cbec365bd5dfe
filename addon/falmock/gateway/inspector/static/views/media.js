// The files that falmock has: uploads, files of fixtures, and made ones, by their digest.

import { html, useRef, useState } from "../vendor/preact.js";
import { Copy, Empty } from "../components.js";
import { fixture, span } from "../format.js";
import { KINDS, ORIGINS, chosenAssets } from "../lists.js";
import { many } from "../model.js";
import { Media } from "./files.js";
import { Choose, Search, useFields } from "./filters.js";
import { useList } from "./use_list.js";
import { upload } from "./upload.js";

const STEP = 60;
const DROP = "Drop a file here to add one: its URL then works in inputs, and fixtures can answer with it.";
const NONE = { text: "", kind: "", origin: "" };

export function MediaView({ state, api, say }) {
  const [assets, error, read] = useList(api, "/assets", "assets", [state.counts.assets, state.link]);
  const [filter, field] = useFields(NONE);
  const [most, setMost] = useState(STEP);
  if (error && !assets) return html`<${Empty} title="Media"><p class="is-error">${error}</p><//>`;
  if (!assets) return html`<p class="empty">Loading …</p>`;
  const found = chosenAssets(assets, filter);
  const left = Math.min(STEP, found.length - most);
  const told = [
    `${many(found.length, "file")} of ${assets.length.toLocaleString("en")}`,
    state.canWrite && "drop a file on this page to add it",
  ]
    .filter(Boolean)
    .join("; ");
  const add = (files) => addAll(files, api, say, read);
  return html`
    <${Drop} canDrop=${state.canWrite} add=${add}>
      <div class="bar end">
        <h2 class="grow">Media</h2>
        <${Search} label="Name, URL or digest" ...${field("text")} />
        <${Choose} label="Type" options=${Object.entries(KINDS)} ...${field("kind")} />
        <${Choose} label="Origin" options=${Object.entries(ORIGINS)} ...${field("origin")} />
        ${state.canWrite && html`<${Pick} add=${add} />`}
      </div>
      ${error && html`<p class="banner is-error">${error}</p>`}
      ${!assets.length && html`<${Nothing} canWrite=${state.canWrite} />`}
      ${assets.length > 0 && html`<p class="faint">${told}</p>`}
      <ul class="shelf">
        ${found.slice(0, most).map((asset) => html`<${Item} key=${asset.sha256} ...${{ asset, api, say }} />`)}
      </ul>
      ${left > 0 && html`<button onClick=${() => setMost(most + STEP)}>Show ${left} more</button>`}
    <//>
  `;
}

const Nothing = ({ canWrite }) => html`
  <${Empty} title="No files yet">
    <p>Files that programs upload, files that fixtures answer with, and files of made answers are shown here.</p>
    ${canWrite && html`<p>${DROP}</p>`}
  <//>
`;

async function addAll(files, api, say, read) {
  let added = 0;
  for (const file of files) {
    try {
      await upload(api, file);
      added += 1;
    } catch (error) {
      say(error.message, "error");
    }
  }
  if (added) say(`${many(added, "file")} added`);
  await read();
}

function Pick({ add }) {
  const picker = useRef(null);
  const picked = async () => {
    await add([...picker.current.files]);
    picker.current.value = "";
  };
  return html`
    <button onClick=${() => picker.current.click()}>Add a file</button>
    <input ref=${picker} type="file" multiple hidden aria-label="Add a file" onChange=${picked} />
  `;
}

// A place on which files can be dropped.
function Drop({ canDrop, add, children }) {
  const [depth, setDepth] = useState(0);
  const ofFiles = (event) => canDrop && event.dataTransfer.types.includes("Files");
  const handlers = {
    onDragEnter: (event) => ofFiles(event) && setDepth(depth + 1),
    onDragLeave: (event) => ofFiles(event) && setDepth(Math.max(depth - 1, 0)),
    onDragOver: (event) => ofFiles(event) && event.preventDefault(),
    onDrop: (event) => {
      if (!ofFiles(event)) return;
      event.preventDefault();
      setDepth(0);
      add([...event.dataTransfer.files]);
    },
  };
  return html`<div class=${`drop ${depth ? "is-over" : ""}`} ...${handlers}>${children}</div>`;
}

function Item({ asset, api, say }) {
  const [url] = asset.urls;
  const facts = [
    asset.width && asset.height && `${asset.width} × ${asset.height}`,
    asset.duration && span(asset.duration),
  ].filter(Boolean);
  return html`
    <li class="card">
      <${Media} api=${api} file=${asset} />
      <p>
        <span class="chip">${ORIGINS[asset.origin] ?? asset.origin}</span>
        <span class="faint"> ${facts.join(", ")}</span>
      </p>
      ${asset.declared && asset.declared !== asset.type && html`<p class="hint">declared as ${asset.declared}</p>`}
      <code class="digest" title=${asset.sha256}>${asset.sha256.slice(0, 16)}</code>
      <${Users} ids=${asset.used_by} />
      <div class="buttons">
        ${url && html`<${Copy} say=${say} text=${() => url} aria-label=${`Copy URL of ${asset.name}`}>Copy URL<//>`}
        <${Copy} say=${say} text=${() => `sha256:${asset.sha256}`}>Copy digest<//>
      </div>
    </li>
  `;
}

function Users({ ids }) {
  if (!ids.length) return html`<p class="faint">No fixture uses it</p>`;
  return html`
    <details>
      <summary>${many(ids.length, "fixture uses it", "fixtures use it")}</summary>
      <ul class="plain">
        ${ids.map((id) => html`<li key=${id} class="mono">${fixture(id)}</li>`)}
      </ul>
    </details>
  `;
}
