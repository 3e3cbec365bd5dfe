// One job: its time, its input and output side by side, its logs and its calls.

import { html, useEffect, useState } from "../vendor/preact.js";
import { Copy, Empty, JsonTree, Status } from "../components.js";
import { cost, curl, span, wall } from "../format.js";
import { many } from "../model.js";
import { fromZero, isLive, sinceSubmit, story, ticks, wordOf } from "../timeline.js";
import { Axis, Bars } from "./bars.js";
import { useNow } from "./clock.js";
import { Files } from "./files.js";
import { Steering } from "./steering.js";

export function JobView({ state, api, go, say, id }) {
  const [asked, setAsked] = useState(null);
  const [result, setResult] = useState(null);
  const [missing, setMissing] = useState(null);
  const job = state.jobs.get(id) ?? asked;
  const now = useNow(Boolean(job) && isLive(job));
  const path = `/jobs/${encodeURIComponent(id)}`;
  useEffect(() => {
    if (!state.jobs.has(id)) api.get(path).then(setAsked, (error) => setMissing(error.message));
  }, [id]);
  useEffect(() => {
    api.get(`${path}/result`).then(setResult, () => setResult(null));
  }, [id, job?.state, job?.ended]);
  if (!job)
    return html`<${Empty} title="No such job"
      ><p data-back="#/jobs">${missing ?? "Loading …"}</p>
      <a href="#/jobs">All jobs</a><//
    >`;
  const word = wordOf(job);
  const width = sinceSubmit([job], now);
  return html`
    <div class="bar" data-back="#/jobs">
      <button class="ghost" onClick=${() => go("#/jobs")}>← Jobs</button>
      <h2>${job.endpoint}</h2>
      <${Status} kind=${word}>${word}<//>
      ${job.held && html`<span class="chip">held</span>`}
      ${job.cancel_requested && isLive(job) && html`<span class="chip">cancel asked</span>`}
      <span class="grow"></span>
      <${Steering} job=${job} state=${state} api=${api} say=${say} />
    </div>
    <section class="card" aria-label="Timeline">
      <div class="bars-cell">
        <${Axis} marks=${ticks(width, 8)} word=${(value) => `+${span(value)}`} /><${Bars}
          of=${fromZero(job, width, now)}
        />
      </div>
      <${Story} job=${job} />
    </section>
    ${
      job.error &&
      html`<section class="card" aria-label="Error">
        <h3 class="is-error">Error</h3>
        <pre>${job.error}</pre>
      </section>`
    }
    <div class="columns">
      <${Side}
        title="Input"
        value=${result?.input}
        present=${result && result.input !== null}
        api=${api}
        files=${filesIn(result, "input")}
      />
      <${Side}
        title="Output"
        value=${result?.output}
        present=${result && result.status !== null}
        none=${isLive(job) ? "Not yet: the job is not over." : "None."}
        note=${result?.status && `status ${result.status}`}
        api=${api}
        files=${filesIn(result, "output")}
      />
    </div>
    <section class="card" aria-label="About">
      <dl class="facts">
        <dt>Request id</dt>
        <dd class="mono">${job.request_id}</dd>
        <dt>Answered by</dt>
        <dd>
          ${job.synthesized ? `made (${job.synthesized})` : job.fixture || "no fixture"}
          ${job.why && html` <span class="faint">because ${job.why}</span>`}
        </dd>
        <dt>Took</dt>
        <dd>${span((job.ended ?? now) - job.submitted)}${job.polls > 0 && `, ${many(job.polls, "poll")}`}</dd>
        ${
          job.queue_position !== null &&
          html`<dt>Queue position</dt>
            <dd>${job.queue_position}</dd>`
        }
        ${
          job.cost &&
          html`<dt>Cost</dt>
            <dd>
              ${cost(job.cost)}:${" "}
              <span class="faint"
                >${job.cost.units} ${job.cost.unit} at ${job.cost.unit_price} ${job.cost.currency}</span
              >
            </dd>`
        }
        ${
          job.webhook &&
          html`<dt>Webhook</dt>
            <dd>${job.webhook.url}, ${many(job.webhook.attempts.length, "attempt")}</dd>`
        }
      </dl>
      <${Copies} job=${job} result=${result} state=${state} api=${api} say=${say} />
    </section>
    ${
      result?.logs?.length > 0 &&
      html`
        <section class="card" aria-label="Logs">
          <h3>Logs</h3>
          <ol class="lines">
            ${result.logs.map(
              (line, index) =>
                html`<li key=${index}>
                  <time class="mono faint" title=${wall(line.at)}>+${span(line.at - job.submitted)}</time
                  ><span class="mono faint">${line.level}</span>
                  <pre>${line.message}</pre>
                </li>`,
            )}
          </ol>
        </section>
      `
    }
    <${Calls} job=${job} state=${state} api=${api} go=${go} />
  `;
}

const Side = ({ title, value, present, none = "None.", note, api, files }) => html`
  <section class="card" aria-label=${title}>
    <div class="bar">
      <h3 class="grow">${title}</h3>
      ${note && html`<span class="faint">${note}</span>`}
    </div>
    <${Files} api=${api} files=${files} />
    ${present ? html`<${JsonTree} value=${value} />` : html`<p class="faint">${none}</p>`}
  </section>
`;

// The files of a result whose URL stands in its input, or in its output.
function filesIn(result, part) {
  const text = JSON.stringify(result?.[part] ?? null);
  return (result?.files ?? []).filter(({ url }) => text.includes(JSON.stringify(url).slice(1, -1)));
}

const Story = ({ job }) => html`
  <details>
    <summary>What happened, as a list</summary>
    <ol class="lines">
      ${story(job).map(
        ({ at, text }) => html`
          <li key=${`${at}${text}`}>
            <span class="mono faint">+${span(at - job.submitted)}</span>
            <time class="mono faint">${wall(at)}</time>
            <span>${text}</span>
          </li>
        `,
      )}
    </ol>
  </details>
`;

function Copies({ job, result, state, api, say }) {
  const submit = state.calls.find((call) => call.request_id === job.request_id && call.call === "submit");
  const number = job.number ?? submit?.number ?? null;
  if (number === null) return null;
  const command = async () => {
    const call = submit ?? (await api.get(`/journal/${number}`)).entry;
    return curl(call, result?.input ?? null, state.health?.connect?.proxy ?? location.origin);
  };
  const text = async () => (await api.send("POST", "/fixtures/from", { call: number, preview: true })).text;
  return html`
    <div class="buttons">
      <${Copy} say=${say} text=${command}>Copy as curl<//>
      ${state.canWrite && html`<${Copy} say=${say} text=${text}>Copy as fixture<//>`}
    </div>
  `;
}

// The calls of a job, those that follow one another and are alike as one line.
function Calls({ job, state, api, go }) {
  const [calls, setCalls] = useState([]);
  const latest = state.calls.findLast((call) => call.request_id === job.request_id)?.number;
  useEffect(() => {
    // The page keeps only the latest calls of the scope.
    api.list("/journal", "entries", { request_id: job.request_id }).then(setCalls, () => {});
  }, [job.request_id, latest]);
  const groups = [];
  for (const call of calls) {
    const last = groups.at(-1);
    if (last && last[0].call === call.call && last[0].status === call.status) last.push(call);
    else groups.push([call]);
  }
  if (!groups.length) return null;
  const journal = `#/journal?request_id=${encodeURIComponent(job.request_id)}`;
  return html`
    <section class="card" aria-label="Calls">
      <div class="bar">
        <h3 class="grow">Calls</h3>
        <a href=${journal}>In the journal</a>
      </div>
      <ol class="lines">
        ${groups.map(
          (group) => html`
            <li key=${group[0].number}>
              <span class="mono faint">+${span(group[0].at - job.submitted)}</span>
              <button class="link" onClick=${() => go(`${journal}&open=${group[0].number}`)}>${group[0].call}</button>
              <span
                >${group[0].status ?? "forwarded"}${group.length > 1 && ` × ${group.length}`}${" "}
                <span class="faint">${group[0].why}</span></span
              >
            </li>
          `,
        )}
      </ol>
    </section>
  `;
}
