// The misses: what no fixture answered, why, and the form that makes a fixture of it.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Copy, Empty, JsonTree, Status, Table } from "../components.js";
import { rows } from "../diff.js";
import { isAsk } from "../draft.js";
import { ago, wall } from "../format.js";
import { asked, marked, nameOf, option } from "../lists.js";
import { many } from "../model.js";
import { Connect } from "./connect.js";
import { useNow } from "./clock.js";
import { DraftForm } from "./draft_form.js";
import { Search, Unfold, useFields, useUnfolded } from "./filters.js";
import { useList } from "./use_list.js";

const HEAD = [
  { label: "Calls", className: "number w-number" },
  { label: "Endpoint", className: "w-endpoint" },
  { label: "Asked", className: "w-asked" },
  { label: "Nearest fixture", className: "w-fixture" },
  { label: "Last", className: "w-last" },
];

const SAME = "The input is the same; something else of the call differs: see the report.";

export function MissesView({ state, api, go, say, query = {} }) {
  const [misses, error] = useList(api, "/misses", "misses", [state.counts.misses, state.counts.calls < 1, state.link]);
  const [open, toggle, setOpen] = useUnfolded();
  const [saved, setSaved] = useState(() => new Map());
  const [{ text }, field] = useFields({ text: "" });
  const now = useNow(false);
  // The miss that is asked for, else the latest when the view was opened: its reason is what people look for.
  const latest = useRef(null);
  latest.current ??= misses?.[0]?.key ?? null;
  const asks = (miss) => miss.numbers.includes(Number(query.call));
  const only = query.call && misses?.find(asks);
  const wanted = query.call ? only?.key : latest.current;
  useEffect(() => {
    if (wanted) setOpen(new Set([wanted]));
  }, [wanted]);
  if (error && !misses) return html`<${Empty} title="Misses"><p class="is-error">${error}</p><//>`;
  if (!misses) return html`<p class="empty">Loading …</p>`;
  if (!misses.length) return html`<${Nothing} ...${{ state, say }} />`;
  const part = text.toLowerCase();
  const holdsPart = (each) => `${each.endpoint} ${asked(each.input)}`.toLowerCase().includes(part);
  const found = misses.filter((each) => (!only || each === only) && holdsPart(each));
  const row = (miss) =>
    html`<${MissRow}
      key=${miss.key}
      ...${{ miss, state, api, say, now }}
      isOpen=${open.has(miss.key)}
      toggle=${() => toggle(miss.key)}
      saved=${saved.get(miss.key)}
      onSaved=${(told) => setSaved(new Map(saved).set(miss.key, { told, at: miss.at }))}
    />`;
  const calls = many(
    found.reduce((sum, { count }) => sum + count, 0),
    "call",
  );
  const things = many(found.length, "thing");
  return html`
    <div class="bar end">
      <h2 class="grow">Misses</h2>
      <${Search} label="Endpoint or prompt" ...${field("text")} />
    </div>
    ${error && html`<p class="banner is-error">${error}</p>`}
    ${
      query.call &&
      html`
        <p class="banner is-plain">
          ${only ? `Only the miss of call ${query.call}.` : `Call ${query.call} is not among the last calls of any miss.`}
          <a href="#/misses"> All misses</a>
        </p>
      `
    }
    <${Table}
      className="misses"
      caption=${`${calls} asked for ${things} that no fixture answers; the latest first`}
      head=${HEAD}
      rows=${found}
      row=${row}
    />
  `;
}

function Nothing({ state, say }) {
  const what = html`
    <p>
      A miss is a call that no fixture answers. Each is listed here with the nearest fixtures and all differences, and
      becomes a fixture in two clicks.
    </p>
  `;
  if (!state.counts.calls) {
    return html`<${Connect} ...${{ state, say }} title="No calls yet, and no misses">${what}<//>`;
  }
  return html`<${Empty} title="No misses"
    >${what}
    <p>Every call in this scope was answered.</p><//
  >`;
}

function MissRow({ miss, state, api, say, now, isOpen, toggle, saved, onSaved }) {
  const nearest = miss.nearest[0];
  const id = `miss-${miss.key}`;
  const isAnswered = saved && saved.at === miss.at;
  return [
    html`
      <tr key=${miss.key}>
        <td class="number"><span class="is-miss">${miss.count}</span></td>
        <th scope="row" class="clip" title=${miss.endpoint}>
          <${Unfold} ...${{ id, isOpen, toggle }}>${miss.endpoint || miss.call}<//>
        </th>
        <td class="clip" title=${asked(miss.input)}>${asked(miss.input)}</td>
        <td class="clip" title=${nearest?.fixture}>
          ${isAnswered && html`<${Status} kind="ok">answered from now on<//>`}
          ${
            !isAnswered &&
            nearest &&
            html`
              ${many(nearest.differences.length, "difference")}
              <span class="faint"> to ${nameOf(nearest.fixture, nearest.endpoint)}</span>
            `
          }
          ${!isAnswered && !nearest && html`<span class="faint">none for this endpoint</span>`}
        </td>
        <td class="faint" title=${wall(miss.at)}>${ago(miss.at, now)}</td>
      </tr>
    `,
    isOpen &&
      html`
        <tr key=${`${miss.key}+`} class="unfolded" id=${id}>
          <td colspan=${HEAD.length}><${MissDetail} ...${{ miss, state, api, say, saved, onSaved }} /></td>
        </tr>
      `,
  ];
}

function MissDetail({ miss, state, api, say, saved, onSaved }) {
  const [isMaking, setMaking] = useState(false);
  const last = miss.numbers.at(-1);
  const done = (told) => {
    setMaking(false);
    onSaved(told);
  };
  const canMake = state.canWrite && isAsk(miss);
  return html`
    <div class="detail">
      <div class="bar">
        <span class="grow">
          Asked by ${miss.count === 1 ? "call" : `${many(miss.count, "call")}, the last ones`}${" "}
          ${miss.numbers
            .slice(-5)
            .map((number, index) => [index > 0 && ", ", html`<a href=${`#/journal?open=${number}`}>${number}</a>`])}
        </span>
        <${Copy} say=${say} text=${() => miss.text}>Copy the report<//>
        ${
          canMake &&
          html`<button
            class="primary"
            aria-expanded=${isMaking ? "true" : "false"}
            onClick=${() => setMaking(!isMaking)}
          >
            Make this a fixture
          </button>`
        }
      </div>
      ${saved && html`<p class="banner is-good">${saved.told}</p>`}
      ${isMaking && html`<${DraftForm} key=${last} ...${{ miss, api, say, done }} close=${() => setMaking(false)} />`}
      <div class="asked-and-nearest">
        <section aria-label="Asked">
          <h3>Asked</h3>
          ${miss.input === null && html`<p class="faint">No input that could be read.</p>`}
          ${miss.input !== null && html`<${JsonTree} value=${miss.input} />`}
        </section>
        <section aria-label="Nearest fixtures">
          ${
            !miss.nearest.length &&
            html`
              <h3>No fixture is near</h3>
              <p class="faint">
                No fixture is for ${miss.endpoint || "such a call"}. Record one, write one, or make one of this call.
              </p>
            `
          }
          ${miss.nearest.map(
            (near, index) => html`<${Nearest} key=${near.fixture} ...${{ near, index, miss, say }} />`,
          )}
        </section>
      </div>
      <details>
        <summary>The report, as the program got it</summary>
        <pre class="report">${miss.text}</pre>
      </details>
    </div>
  `;
}

function Nearest({ near, index, miss, say }) {
  const other = near.endpoint !== miss.endpoint && near.endpoint;
  return html`
    <table class="differences">
      <caption>
        <strong>${index + 1}. ${nameOf(near.fixture, near.endpoint)}</strong>
        ${other && html` <span class="faint">for ${other}</span>`}
        <${Copy} say=${say} text=${() => near.fixture}>Copy its name<//>
      </caption>
      <thead>
        <tr>
          <th scope="col">Path</th>
          <th scope="col">Expected</th>
          <th scope="col">Found</th>
        </tr>
      </thead>
      <tbody>
        ${rows(near.differences).map((each) => html`<${Difference} key=${each.path} each=${each} say=${say} />`)}
      </tbody>
    </table>
    ${!near.differences.length && html`<p class="faint">${SAME}</p>`}
  `;
}

function Difference({ each, say }) {
  const { start, expected, found, end } = marked(each.expected, each.found);
  return html`
    <tr class=${each.volatile ? "volatile" : ""}>
      <th scope="row">
        <code>${each.path}</code>
        ${each.volatile && html`<span class="chip">changes from run to run</span>`}
        ${
          each.rule &&
          html`<span class="rule">
            <code>fal_ignore=${each.rule}</code>
            <${Copy} say=${say} text=${() => option(each.rule)}>Copy rule<//>
          </span>`
        }
      </th>
      <td><code>${start}<del>${expected}</del>${end}</code></td>
      <td><code>${start}<ins>${found}</ins>${end}</code></td>
    </tr>
  `;
}
