// The buttons that move a job by hand.

import { html, useEffect, useState } from "../vendor/preact.js";
import { Action, Dialog, ErrorSelect } from "../components.js";
import { short } from "../format.js";
import { isLive } from "../timeline.js";

const USUAL = "internal_server_error";

export function Steering({ job, state, api, say }) {
  const [failing, setFailing] = useState(false);
  if (!isLive(job) || !state.canWrite) return null;
  const does = (what, body) => () => api.send("POST", `/jobs/${encodeURIComponent(job.request_id)}/${what}`, body);
  const closed = () => setFailing(false);
  const fail = (error) => does("fail", { error })();
  return html`
    <div class="buttons">
      <${Action} say=${say} run=${does("advance")} title="One step: to running, then to its end">Advance<//>
      <${Action} say=${say} run=${does("complete")} title="End it now with its answer">Complete<//>
      <button type="button" title="End it now with an error" aria-haspopup="dialog" onClick=${() => setFailing(true)}>
        Fail
      </button>
      ${
        job.held
          ? html`<${Action} say=${say} run=${does("release")} title="Let it go on at its pace">Release<//>`
          : html`<${Action} say=${say} run=${does("hold")} title="Keep it in its state">Hold<//>`
      }
      ${failing && html`<${Failing} job=${job} api=${api} say=${say} fail=${fail} onClose=${closed} />`}
    </div>
  `;
}

function Failing({ job, api, say, fail, onClose }) {
  const [errors, setErrors] = useState([]);
  const [error, setError] = useState(USUAL);
  useEffect(() => {
    api.get("/errors").then(
      (value) => setErrors(value.errors.filter((each) => each.for.includes("result"))),
      (bad) => say(bad.message, "error"),
    );
  }, []);
  const chosen = errors.find(({ name }) => name === error);
  const run = async () => {
    await fail(error);
    onClose();
  };
  return html`
    <${Dialog} title=${`Fail the job ${short(job.request_id)}`} onClose=${onClose}>
      <${ErrorSelect} errors=${errors} value=${error} onInput=${setError} />
      <p class="faint dialog-text">${chosen ? `${chosen.status}: ${chosen.message}` : ""}</p>
      <${Action} className="primary" say=${say} run=${run}>Fail<//>
    <//>
  `;
}
