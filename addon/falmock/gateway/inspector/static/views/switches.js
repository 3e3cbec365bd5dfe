// The switches, always in sight: mode, scope, pace, faults and reset; and the banner that tells what is switched on.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Action, ErrorSelect, Field, Name } from "../components.js";
import { many } from "../model.js";
import { Choose, useFields } from "./filters.js";

const PACES = ["instant", "recorded", "x10", "3s", "10s", "polls:1,2", "manual"];
const OTHER = "other";
const RESET = "Forget the jobs, the journal, and the added fixtures and faults of this scope";
const STRIKES_EVERY = 1000;
const MANUAL = "manual: jobs wait until you move them";

const paceOf = (state) => state.settings?.pace ?? state.health?.pace ?? "instant";

// What a person may have forgotten that it is on.
export function Banner({ state }) {
  const faults = state.counts.faults ?? 0;
  const told = [];
  if (faults) told.push(`${many(faults, "fault")} on: calls may fail on purpose.`);
  if (paceOf(state) === "manual") told.push("The pace is manual: each job waits until you move it.");
  return told.length > 0 && html`<p class="banner"><span aria-hidden="true">⚡ </span>${told.join(" ")}</p>`;
}

// `choose(name)` picks a scope, `changed()` is told when a setting was changed.
export function Switches({ state, api, say, choose, changed }) {
  const [scopes, setScopes] = useState([]);
  useEffect(() => {
    api.get("/scopes").then(
      (value) => setScopes(value.scopes),
      () => {},
    );
  }, [state.counts.scopes, state.link, state.scope]);
  const names = [...new Set(["", state.scope, ...scopes.map(({ name }) => name)])];
  const reset = async () => {
    await api.send("POST", "/reset");
    changed();
  };
  return html`
    <section class="switches" aria-label="Switches">
      <div class="line"><span class="faint">Mode</span><span>${state.health?.mode ?? "…"}</span></div>
      <${Field} label="Scope">
        <select value=${state.scope} onInput=${(event) => choose(event.target.value)}>
          ${names.map((name) => html`<option key=${name} value=${name}>${name || "default"}</option>`)}
        </select>
      <//>
      <${Pace} key=${state.scope} state=${state} api=${api} say=${say} changed=${changed} />
      <${Faults} state=${state} api=${api} say=${say} />
      ${
        state.canWrite &&
        html`
          <${Action} className="danger" say=${say} done="The scope was reset" run=${reset} title=${RESET}>Reset<//>
        `
      }
    </section>
  `;
}

function Pace({ state, api, say, changed }) {
  const [writing, setWriting] = useState(false);
  const pace = paceOf(state);
  if (!state.canWrite) return html`<div class="line"><span class="faint">Pace</span><span>${pace}</span></div>`;
  const set = async (text) => {
    try {
      await api.send("PUT", "/pace", { pace: text });
      setWriting(false);
      say(`The pace of new jobs is ${text}`);
      changed();
    } catch (error) {
      say(error.message, "error");
    }
  };
  const chosen = (event) => {
    const { value } = event.target;
    if (value === OTHER) return setWriting(true);
    return set(value);
  };
  const paces = PACES.includes(pace) ? PACES : [pace, ...PACES];
  return html`
    <${Field} label="Pace">
      <select value=${writing ? OTHER : pace} onInput=${chosen}>
        ${paces.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
        <option value=${OTHER}>other …</option>
      </select>
    <//>
    ${
      writing &&
      html`
        <form class="bar" onSubmit=${(event) => (event.preventDefault(), set(event.target.elements.pace.value))}>
          <input class="grow" name="pace" aria-label="Other pace" placeholder="250ms, x2, polls:2,5" />
          <button>Set</button>
        </form>
      `
    }
    ${pace === "manual" && html`<p class="hint">${MANUAL}</p>`}
  `;
}

const CALLS = ["run", "submit", "status", "result", "cancel", "stream", "socket", "upload", "download"];
const NONE = { error: "", model: "", call: "", rate: "", nth: "" };

// The rule that the form describes, as in a file of fal_faults.
function ruleOf({ error, model, call, rate, nth }) {
  const match = { ...(model.trim() && { model: model.trim() }), ...(call && { call }) };
  const numbers = nth
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);
  return {
    match,
    fault: {
      error,
      ...(rate && { rate: Number(rate) / 100 }),
      ...(numbers.length && { nth: numbers.length === 1 ? numbers[0] : numbers }),
    },
  };
}

function Faults({ state, api, say }) {
  const [faults, setFaults] = useState([]);
  const [errors, setErrors] = useState([]);
  const [form, field, setForm] = useFields(NONE);
  const read = () =>
    api.get("/faults").then(
      (value) => setFaults(value.faults),
      () => {},
    );
  useEffect(() => {
    read();
  }, [state.counts.faults, state.scope, state.link]);
  const called = useRef(state.counts.calls);
  called.current = state.counts.calls;
  useEffect(() => {
    if (!faults.length) return undefined;
    // How often each struck changes with the calls.
    let seen = called.current;
    const timer = setInterval(() => {
      if (seen !== called.current) read();
      seen = called.current;
    }, STRIKES_EVERY);
    return () => clearInterval(timer);
  }, [faults.length, state.scope]);
  useEffect(() => {
    api.get("/errors").then(
      (value) => setErrors(value.errors),
      () => {},
    );
  }, []);
  const added = faults.filter((each) => each.added);
  const put = async (rules) => setFaults((await api.send("PUT", "/faults", { faults: rules })).faults);
  const add = async () => {
    if (!form.error) throw new Error("Choose an error first");
    await put([...added.map(({ rule }) => rule), ruleOf(form)]);
    setForm(NONE);
  };
  const clear = async () => setFaults((await api.send("DELETE", "/faults")).faults);
  const remove = (id) => put(added.filter((each) => each.id !== id).map(({ rule }) => rule));
  return html`
    <fieldset class="faults">
      <legend>Faults <span class="faint">${faults.length || "none"}</span></legend>
      ${
        faults.length > 0 &&
        html`
          <ul>
            ${faults.map(
              (each) => html`
                <li key=${each.id}>
                  <span class="grow"
                    ><strong><${Name}>${each.fault}<//></strong><br /><span class="faint">${aboutRule(each)}</span></span
                  >
                  ${state.canWrite && each.added && html`<${Remove} fault=${each} say=${say} remove=${remove} />`}
                </li>
              `,
            )}
          </ul>
        `
      }
      ${
        state.canWrite &&
        html`
          <${ErrorSelect}
            errors=${errors}
            value=${form.error}
            empty="choose …"
            onInput=${(error) => setForm({ ...form, error })}
          />
          <${Field} label="Endpoint"
            ><input ...${field("model")} placeholder="any, or fal-ai/flux/*" spellcheck="false"
          /><//>
          <div class="three">
            <${Choose} label="Call" options=${CALLS} all="any" ...${field("call")} />
            <${Field} label="Rate %"><input ...${field("rate")} type="number" min="0" max="100" placeholder="100" /><//>
            <${Field} label="Nth"><input ...${field("nth")} inputmode="numeric" placeholder="all" /><//>
          </div>
          <div class="buttons">
            <${Action} say=${say} done="The fault is on" run=${add}>Add fault<//>
            <${Action} className="ghost" say=${say} done="The faults are off" run=${clear} disabled=${!added.length}
              >Clear faults<//
            >
          </div>
        `
      }
    </fieldset>
  `;
}

const Remove = ({ fault, say, remove }) => html`
  <${Action} className="ghost" say=${say} run=${() => remove(fault.id)} aria-label=${`Remove the fault ${fault.fault}`}
    >✕<//
  >
`;

function aboutRule(rule) {
  const rate = rule.rate ?? 1;
  const share = rate < 1 && `${Math.round(rate * 100)} %`;
  const numbers = [rule.nth ?? []].flat();
  const nth = numbers.length > 0 && `call ${numbers.join(", ")}`;
  const from = rule.added ? null : `from ${rule.id}`;
  const struck = rule.struck === undefined ? null : `struck ${many(rule.struck, "time")}`;
  return [rule.model ?? rule.path ?? "any endpoint", rule.calls.join(", "), share, nth, from, struck]
    .filter(Boolean)
    .join(" · ");
}
