// The journal: the last calls, live, with filters; a call unfolds into what was asked, why, and its pieces.

import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { Copy, JsonTree, Status, Table } from "../components.js";
import { curl, fixture, short, size, span, wall } from "../format.js";
import { chosen, many } from "../model.js";
import { Connect } from "./connect.js";
import { Files } from "./files.js";
import { Choose, Search, Unfold, useFields, useUnfolded } from "./filters.js";

const MOST = 1000;
const ASKS = new Set(["run", "submit", "stream", "message"]);
const NONE = { endpoint: "", call: "", status: "", door: "", only: "" };
const STATUSES = [["2", "2xx"], ["4", "4xx"], ["5", "5xx"], "401", "404", "422", "429"];
const ONLY = Object.entries({ miss: "misses", fault: "faults" });
const HEAD = [
  { label: "#", className: "number w-number" },
  { label: "Time", className: "w-clock" },
  { label: "Call", className: "w-call" },
  { label: "Endpoint", className: "w-endpoint" },
  { label: "Status", className: "w-status" },
  { label: "Answered by", className: "w-fixture" },
];

export function JournalView({ state, api, go, say, query }) {
  const [filter, field] = useFields(NONE);
  const [paused, setPaused] = useState(null);
  const opened = Number(query.open ?? 0);
  const [open, toggle] = useUnfolded(opened ? [opened] : []);
  const calls = paused ?? state.calls;
  const found = useMemo(
    () =>
      chosen(calls, { ...filter, request_id: query.request_id, number: !query.request_id && opened })
        .slice(-MOST)
        .reverse(),
    [calls, filter, query.request_id, opened],
  );
  if (!state.calls.length && !paused)
    return html`<${Connect} state=${state} api=${api} say=${say} title="No calls yet" />`;
  const options = (of) => [...new Set(calls.map(of))].sort();
  const missed = paused ? state.counts.calls - (paused.at(-1)?.number ?? 0) : 0;
  const row = (call) =>
    html`<${CallRow}
      key=${call.number}
      call=${call}
      isOpen=${open.has(call.number)}
      toggle=${toggle}
      state=${state}
      api=${api}
      go=${go}
      say=${say}
    />`;
  return html`
    <div class="bar end">
      <h2 class="grow">Journal</h2>
      <${Search} label="Endpoint or path" ...${field("endpoint")} />
      <${Choose} label="Call" options=${options((call) => call.call)} ...${field("call")} />
      <${Choose} label="Status" options=${STATUSES} ...${field("status")} />
      <${Choose} label="Door" options=${options((call) => call.door ?? "proxy")} ...${field("door")} />
      <${Choose} label="Only" options=${ONLY} all="everything" ...${field("only")} />
      <button aria-pressed=${paused ? "true" : "false"} onClick=${() => setPaused(paused ? null : state.calls)}>
        ${paused ? "Resume" : "Pause"}
      </button>
    </div>
    ${
      query.request_id &&
      html`
        <p class="banner is-plain">
          Only the calls of the job <a class="mono" href=${`#/jobs/${query.request_id}`}>${short(query.request_id)}</a>.
          <a href="#/journal"> All calls</a>
        </p>
      `
    }
    ${
      !query.request_id &&
      opened > 0 &&
      html`
        <p class="banner is-plain">
          ${calls.some(({ number }) => number === opened) ? "Only call" : "The page no longer has call"}
          ${` ${query.open}. `}<a href="#/journal">All calls</a>
        </p>
      `
    }
    ${paused && html`<p class="faint">Paused${missed > 0 && `; ${many(missed, "call")} since`}</p>`}
    <${Table}
      className="journal"
      caption=${`${many(found.length, "call")} of ${state.counts.calls.toLocaleString("en")}; the latest first`}
      head=${HEAD}
      rows=${found}
      row=${row}
    />
  `;
}

function kindOf(call) {
  if (call.miss) return "miss";
  if (call.fault) return "fault";
  return call.status >= 400 ? "error" : "ok";
}

function CallRow({ call, isOpen, toggle, state, api, go, say }) {
  const kind = kindOf(call);
  const id = `call-${call.number}`;
  return [
    html`
      <tr key=${call.number}>
        <td class="number faint">${call.number}</td>
        <td class="mono faint">${wall(call.at)}</td>
        <td>
          <${Unfold} ...${{ id, isOpen }} toggle=${() => toggle(call.number)}>${call.call}<//>
        </td>
        <th scope="row" class="clip" title=${`${call.method} ${call.host}${call.path}`}>
          ${call.endpoint || html`<span class="faint">${call.path}</span>`}
        </th>
        <td class="clip" title=${call.fault}>
          <${Status} kind=${kind}
            >${call.status ?? "fal"}${kind === "miss" && " miss"}${kind === "fault" && ` ${call.fault}`}<//
          >
        </td>
        <td class="clip" title=${call.why}>
          ${call.fixture ? fixture(call.fixture) : html`<span class="faint">${call.why}</span>`}
        </td>
      </tr>
    `,
    isOpen &&
      html`<tr key=${`${call.number}+`} class="unfolded" id=${id}>
        <td colspan=${HEAD.length}><${CallDetail} call=${call} state=${state} api=${api} go=${go} say=${say} /></td>
      </tr>`,
  ];
}

function CallDetail({ call, state, api, go, say }) {
  const [found, setFound] = useState(null);
  const [failed, setFailed] = useState(null);
  useEffect(() => {
    api.get(`/journal/${call.number}`).then(setFound, (error) => setFailed(error.message));
  }, [call.number]);
  const entry = found?.entry ?? call;
  const isOfJob = Boolean(entry.request_id) && state.jobs.has(entry.request_id);
  const isAsk = state.canWrite && ASKS.has(call.call);
  const text = async () => (await api.send("POST", "/fixtures/from", { call: call.number, preview: true })).text;
  return html`
    <div class="detail">
      <div class="bar">
        <code class="grow">${entry.method} ${entry.host}${entry.path}</code>
        ${isOfJob && html`<a href=${`#/jobs/${entry.request_id}`}>Job ${short(entry.request_id)}</a>`}
        ${entry.miss && html`<a href=${`#/misses?call=${call.number}`}>In the misses</a>`}
        <${Copy}
          say=${say}
          text=${() => curl(entry, entry.input ?? null, state.health?.connect?.proxy ?? location.origin)}
          >Copy as curl<//
        >
        ${isAsk && html`<${Copy} say=${say} text=${text}>Copy as fixture<//>`}
      </div>
      <dl class="facts">
        <dt>Why</dt>
        <dd>${entry.why}</dd>
        ${
          entry.fixture &&
          html`<dt>Fixture</dt>
            <dd class="mono">${entry.fixture}</dd>`
        }
        ${
          entry.warning &&
          html`<dt class="is-warn">Warning</dt>
            <dd>${entry.warning}</dd>`
        }
        ${
          entry.fault &&
          html`<dt>Fault</dt>
            <dd>${entry.fault}${entry.delay > 0 && `, ${span(entry.delay)} late`}</dd>`
        }
      </dl>
      ${typeof entry.miss === "string" && html`<pre class="report">${entry.miss}</pre>`}
      ${failed && html`<p class="is-error">${failed}</p>`}
      <${Files} api=${api} files=${found?.files ?? []} />
      ${
        found &&
        entry.input !== null &&
        html`<h3>Input</h3>
          <${JsonTree} value=${entry.input} />`
      }
      ${entry.left_out > 0 && html`<p class="faint">The input of ${size(entry.left_out)} was too long to keep.</p>`}
      ${
        found?.pieces?.length > 0 &&
        html`
          <h3>${many(found.pieces.length, found.pieces[0].kind)}</h3>
          <ol class="lines">
            ${found.pieces.map(
              (piece, index) =>
                html`<li key=${index}>
                  <time class="mono faint" title=${wall(piece.at)}>+${span(piece.at - entry.at)}</time
                  ><span class="faint">${piece.direction === "sent" ? "← sent" : "→ received"}</span>
                  <pre>${piece.text.trimEnd()}</pre>
                </li>`,
            )}
          </ol>
        `
      }
    </div>
  `;
}
