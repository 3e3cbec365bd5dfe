// What the views share: tables, JSON, dialogs, states, and buttons that tell what became of a click.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const SHAPES = {
  queued: "○",
  running: "◐",
  finished: "●",
  failed: "✕",
  cancelled: "■",
  expired: "◇",
  miss: "✕",
  fault: "⚡",
  error: "▲",
  ok: "●",
  waiting: "◌",
};

// A state by word and shape; `kind` chooses shape and colour, `children` is the word.
export const Status = ({ kind, children }) => html`
  <span class=${`status is-${kind}`}
    ><span class="shape" aria-hidden="true">${SHAPES[kind] ?? "●"}</span>${children}</span
  >
`;

// A name whose words are joined by "_": it breaks between them.
export const Name = ({ children }) =>
  children.split("_").map((word, index) => [index > 0 && html`_<wbr />`, word]);

const WHOLE = 80;
const ROW = 33;
const MARGIN = 10;

// A table of `rows`, one <tr> each (keyed, made by `row(item)`). Of more than 80 rows only those in sight and a few
// around them are drawn: what an update costs grows with them.
export function Table({ caption, head, rows, row, height = ROW, className = "" }) {
  const body = useRef(null);
  const [{ from, count }, setWindow] = useState({ from: 0, count: WHOLE });
  const windowed = rows.length > WHOLE;
  useEffect(() => {
    if (!windowed) return undefined;
    const scrolled = () => {
      const above = -body.current.getBoundingClientRect().top;
      const first = Math.max(Math.floor(above / height) - MARGIN, 0);
      const next = { from: first - (first % MARGIN), count: Math.ceil(innerHeight / height) + 3 * MARGIN };
      setWindow((now) => (now.from === next.from && now.count === next.count ? now : next));
    };
    const events = ["scroll", "resize"];
    for (const each of events) addEventListener(each, scrolled, { passive: true });
    scrolled();
    return () => events.forEach((each) => removeEventListener(each, scrolled));
  }, [windowed, height]);
  const first = windowed ? Math.min(from, Math.max(rows.length - count, 0)) : 0;
  const shown = windowed ? rows.slice(first, first + count) : rows;
  const after = rows.length - first - shown.length;
  const space = (left, key) =>
    left > 0 &&
    html`<tr key=${key} class="space" aria-hidden="true">
      <td colspan=${head.length} style=${{ height: `${left * height}px` }}></td>
    </tr>`;
  return html`
    <div class="scroller">
      <table class=${className} aria-rowcount=${windowed ? rows.length + 1 : undefined}>
        <caption>
          ${caption}<span class="scroll-hint">; scroll sideways to see all columns</span>
        </caption>
        <thead>
          <tr>
            ${head.map((each) => html`<th scope="col" class=${each.className}>${each.label ?? each}</th>`)}
          </tr>
        </thead>
        <tbody ref=${body}>
          ${space(first, "above")}${shown.map(row)}${space(after, "below")}
        </tbody>
      </table>
    </div>
  `;
}

const LONG = 300;

function LongText({ text }) {
  const [whole, setWhole] = useState(false);
  if (text.length <= LONG || whole) return html`<span class="json-text">${JSON.stringify(text)}</span>`;
  return html`
    <span class="json-text">${JSON.stringify(text.slice(0, LONG))}</span>
    <button class="link" onClick=${() => setWhole(true)}>… ${text.length - LONG} more</button>
  `;
}

// A JSON value as a tree that folds; `name` is its key in what contains it.
export function JsonTree({ value, name, depth = 0 }) {
  const key = name === undefined ? null : html`<span class="json-key">${name}</span>: `;
  if (typeof value === "string") return html`<div class="json">${key}<${LongText} text=${value} /></div>`;
  if (value === null || typeof value !== "object") {
    return html`<div class="json">${key}<span class="json-atom">${JSON.stringify(value) ?? "nothing"}</span></div>`;
  }
  const entries = Object.entries(value);
  const [left, right] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (!entries.length) return html`<div class="json">${key}${left}${right}</div>`;
  return html`
    <details class="json" open=${depth < 3 && entries.length <= 50}>
      <summary>${key}${left}<span class="json-count">${entries.length}</span>${right}</summary>
      <div class="json-inside">
        ${entries.map(
          ([each, inner]) => html`<${JsonTree} key=${each} name=${each} value=${inner} depth=${depth + 1} />`,
        )}
      </div>
    </details>
  `;
}

// A dialog over the page; Esc and Close call `onClose`, and the focus goes back to where it was.
export function Dialog({ title, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.focus?.();
  }, []);
  const cancelled = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`
    <dialog ref=${dialog} aria-label=${title} onCancel=${cancelled}>
      <header>
        <h2>${title}</h2>
        <button class="ghost" onClick=${onClose}>Close</button>
      </header>
      ${children}
    </dialog>
  `;
}

// A button whose click does something that may take time or fail; `say` tells the outcome.
export function Action({ run, say, done, className = "", children, ...rest }) {
  const [busy, setBusy] = useState(false);
  const clicked = async () => {
    setBusy(true);
    try {
      await run();
      if (done) say(done);
    } catch (error) {
      say(error.message, "error");
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" class=${className} disabled=${busy} onClick=${clicked} ...${rest}>
    ${children}
  </button>`;
}

// A button that copies what `text()` gives.
export function Copy({ text, ...rest }) {
  const run = async () => navigator.clipboard.writeText(await text());
  return html`<${Action} className="ghost" done="Copied" run=${run} ...${rest} />`;
}

// A label above its control.
export const Field = ({ label, children }) => html`<label class="field"><span>${label}</span>${children}</label>`;

// The select "Error" with the catalogue of errors, grouped by status.
export function ErrorSelect({ errors, value, onInput, empty }) {
  const statuses = [...new Set(errors.map(({ status }) => status))];
  return html`
    <${Field} label="Error">
      <select value=${value} onInput=${(event) => onInput(event.target.value)}>
        ${empty && html`<option value="">${empty}</option>`}
        ${statuses.map(
          (status) => html`
            <optgroup label=${status ?? "other"}>
              ${errors
                .filter((each) => each.status === status)
                .map(({ name }) => html`<option value=${name}>${name}</option>`)}
            </optgroup>
          `,
        )}
      </select>
    <//>
  `;
}

// What an empty view says.
export const Empty = ({ title, children }) =>
  html`<div class="empty">
    <h2>${title}</h2>
    ${children}
  </div>`;
