// The jobs of a scope as one table, each with its bar on a common axis of time.

import { html, useMemo } from "../vendor/preact.js";
import { Status, Table } from "../components.js";
import { ago, fixture, price, short, span, wall } from "../format.js";
import { many } from "../model.js";
import { axis, endOf, fromZero, isLive, layout, sinceSubmit, ticks, wordOf } from "../timeline.js";
import { Axis, Bars } from "./bars.js";
import { useNow } from "./clock.js";
import { Connect } from "./connect.js";
import { Choose, Search, useFields } from "./filters.js";
import { Steering } from "./steering.js";

const CLOCK = "clock";
const TIMES = [
  [CLOCK, "on the clock"],
  ["submit", "since the submit"],
];
const STATES = ["queued", "running", "finished", "failed", "cancelled", "expired"];

export function JobsView({ state, api, go, say }) {
  const [{ text, kind, time }, field] = useFields({ text: "", kind: "", time: CLOCK });
  const jobs = useMemo(
    () =>
      [...state.jobs.values()]
        .filter((job) => `${job.endpoint} ${job.request_id}`.includes(text.trim()) && (!kind || wordOf(job) === kind))
        .sort((a, b) => b.submitted - a.submitted),
    [state.jobs, text, kind],
  );
  const live = jobs.filter(isLive).length;
  const now = useNow(live > 0);
  if (!state.jobs.size) return html`<${Connect} state=${state} api=${api} say=${say} title="No jobs yet" />`;
  const onClock = time === CLOCK;
  const width = onClock ? axis(jobs, now) : sinceSubmit(jobs, now);
  const marks = ticks(width, 2);
  const priced = jobs.some((job) => job.cost);
  const head = [
    { label: "State", className: "w-state" },
    { label: "Endpoint", className: "w-endpoint" },
    { label: "Submitted", className: "w-time" },
    {
      label: html`<${Axis}
          marks=${marks}
          word=${(value) => (value === 0 && onClock ? wall(width.from).slice(0, 8) : `+${span(value)}`)}
        /><span class="unseen">Timeline</span>`,
      className: "w-bars",
    },
    { label: "Took", className: "number w-took" },
    priced && { label: html`<abbr title="What it would have cost at fal">Cost</abbr>`, className: "number w-cost" },
    { label: "Answered by", className: "w-fixture" },
  ].filter(Boolean);
  const row = (job) => html`
    <${JobRow}
      key=${job.request_id}
      job=${job}
      now=${now}
      width=${width}
      onClock=${onClock}
      priced=${priced}
      state=${state}
      api=${api}
      go=${go}
      say=${say}
    />
  `;
  const caption = html`${many(jobs.length, "job")}${live > 0 && html`, ${live} not over`}; the latest first`;
  return html`
    <div class="bar end">
      <h2 class="grow">Jobs</h2>
      <${Search} label="Endpoint or id" ...${field("text")} />
      <${Choose} label="State" options=${STATES} ...${field("kind")} />
      <${Choose} label="Time" options=${TIMES} all="" ...${field("time")} />
    </div>
    <${Table} className="jobs" caption=${caption} head=${head} rows=${jobs} row=${row} />
    <p class="legend faint">
      <span class="key-queued">queued</span><span class="key-running">running</span><span>● done</span
      ><span>✕ failed</span><span>■ cancelled</span><span>◆ webhook</span><span>╵ poll</span>
    </p>
  `;
}

function JobRow({ job, now, width, onClock, priced, state, api, go, say }) {
  const word = wordOf(job);
  const bars = onClock ? layout(job, width, now) : fromZero(job, width, now);
  return html`
    <tr>
      <td><${Status} kind=${word}>${word}${job.held && html`<span class="chip">held</span>`}<//></td>
      <th scope="row" class="clip">
        <button class="link" data-row onClick=${() => go(`#/jobs/${job.request_id}`)} title=${job.request_id}>
          ${job.endpoint} <span class="faint mono">${short(job.request_id)}</span>
        </button>
      </th>
      <td class="faint"><time title=${wall(job.submitted)}>${ago(job.submitted, now)}</time></td>
      <td class="bars-cell"><${Bars} of=${bars} /></td>
      <td class="number">${span((job.ended ?? now) - job.submitted)}</td>
      ${priced && html`<td class="number">${price(job.cost)}</td>`}
      ${
        isLive(job) && state.canWrite
          ? html`<td><${Steering} job=${job} state=${state} api=${api} say=${say} /></td>`
          : html`<td class="clip" title=${job.why}>${answeredBy(job)}</td>`
      }
    </tr>
  `;
}

// What answered a job: a made answer, an error, fal itself, or a fixture.
function answeredBy(job) {
  if (job.synthesized) return html`<span class="chip">made: ${job.synthesized}</span>`;
  return job.fixture ? fixture(job.fixture) : html`<span class="faint">${job.why || "forwarded"}</span>`;
}
