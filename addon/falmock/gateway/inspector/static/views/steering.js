// The buttons that move a job by hand.

import { html, useEffect, useState } from "../vendor/preact.js";
import { Action, Dialog, ErrorSelect } from "../components.js";
import { isLive } from "../timeline.js";

const USUAL = "internal_server_error";

export function Steering({ job, state, api, say }) {
  const [failing, setFailing] = useState(false);
  if (!isLive(job) || !state.canWrite) return null;
  const does = (what, body) => () => api.send("POST", `/jobs/${encodeURIComponent(job.request_id)}/${what}`, body);
  const about = (what) => `${what} the job ${job.request_id.slice(0, 8)}`;
  return html`
    <div class="buttons">
      <${Action} say=${say} run=${does("advance")} title="One step: to running, then to its end">Advance<//>
      <${Action} say=${say} run=${does("complete")} title="End it now with its answer">Complete<//>
      <button type="button" title="End it now with an error" aria-haspopup="dialog" onClick=${() => setFailing(true)}>Fail</button>
      ${job.held
        ? html`<${Action} say=${say} run=${does("release")} title="Let it go on at its pace">Release<//>`
        : html`<${Action} say=${say} run=${does("hold")} title="Keep it in its state">Hold<//>`}
      ${failing && html`<${Failing} title=${about("Fail")} api=${api} say=${say} run=${(error) => does("fail", { error })()} onClose=${() => setFailing(false)} />`}
    </div>
  `;
}

function Failing({ title, api, say, run, onClose }) {
  const [errors, setErrors] = useState([]);
  const [error, setError] = useState(USUAL);
  useEffect(() => {
    api.get("/errors").then((value) => setErrors(value.errors.filter((each) => each.for.includes("result"))), (bad) => say(bad.message, "error"));
  }, []);
  const chosen = errors.find(({ name }) => name === error);
  const fail = async () => {
    await run(error);
    onClose();
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <${ErrorSelect} errors=${errors} value=${error} onInput=${setError} />
      <p class="faint dialog-text">${chosen ? `${chosen.status}: ${chosen.message}` : ""}</p>
      <${Action} className="primary" say=${say} run=${fail}>Fail<//>
    <//>
  `;
}
