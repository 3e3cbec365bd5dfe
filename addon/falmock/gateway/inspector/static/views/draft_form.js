// The form "Make this a fixture": what it matches, what it answers, where it is kept; with what would be written.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { ErrorSelect, Field } from "../components.js";
import { ANSWERS, MATCHES, PLACES, bodyOf, errorsFor, firstChoice, lacking, outcome } from "../draft.js";
import { size } from "../format.js";
import { nameOf } from "../lists.js";
import { useList } from "./use_list.js";
import { upload } from "./upload.js";

const WAIT = 200;
const ABOUT = {
  exact: "the same input and nothing else, as recordings do",
  prompt: "each input with this prompt",
  any: "each call to this endpoint",
  like: "",
  schema: "an answer that is made: by the model's schema, else as a guess",
  asset: "an answer with this file in it",
  error: "one of fal's errors",
  memory: "until the scope is reset",
  disk: "a new file to commit; no file that exists is changed",
};

function Choices({ legend, name, options, value, onInput, off = {} }) {
  return html`
    <fieldset role="radiogroup" class="choices">
      <legend>${legend}</legend>
      ${Object.entries(options).map(
        ([key, word]) => html`
          <label key=${key} class=${off[key] ? "faint" : ""}>
            <input
              type="radio"
              name=${name}
              value=${key}
              checked=${value === key}
              disabled=${Boolean(off[key])}
              aria-describedby=${`${name}-${key}`}
              onInput=${() => onInput(key)}
            />
            <span>${word}</span>
          </label>
          <span class="faint about" id=${`${name}-${key}`}>${off[key] || ABOUT[key]}</span>
        `,
      )}
    </fieldset>
  `;
}

// What the form would make: {file, text}, or why it makes nothing.
function usePreview(api, miss, choice) {
  const [preview, setPreview] = useState(null);
  const [problem, setProblem] = useState(null);
  const body = JSON.stringify(bodyOf(miss, choice));
  const lacks = lacking(choice);
  useEffect(() => {
    let wanted = true;
    setProblem(null);
    setPreview(null);
    if (lacks) return undefined;
    const timer = setTimeout(() => {
      api.send("POST", "/fixtures/from", { ...JSON.parse(body), preview: true }).then(
        (value) => wanted && setPreview(value),
        (error) => wanted && setProblem(error.message),
      );
    }, WAIT);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [body, lacks]);
  return { preview, problem, lacks };
}

export function DraftForm({ miss, api, say, done, close }) {
  const [choice, setChoice] = useState(() => firstChoice(miss));
  const [errors, setErrors] = useState([]);
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState(null);
  const form = useRef(null);
  const set = (name) => (value) => {
    setRefused(null);
    setChoice((before) => ({ ...before, [name]: value }));
  };
  const { preview, problem, lacks } = usePreview(api, miss, choice);
  useEffect(() => {
    form.current.querySelector("input:checked").focus();
    api.get("/errors").then(
      (value) => setErrors(errorsFor(value.errors, miss.call)),
      () => {},
    );
  }, []);
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const told = outcome(choice, await api.send("POST", "/fixtures/from", bodyOf(miss, choice)));
      say(told);
      done(told);
    } catch (error) {
      setRefused(error.message);
      setBusy(false);
    }
  };
  const off = miss.nearest.length ? {} : { like: "no fixture is near" };
  return html`
    <form class="draft card" ref=${form} aria-label="Make this a fixture" onSubmit=${save}>
      <div class="draft-choices">
        <${Choices} legend="Match" name="match" options=${MATCHES} value=${choice.match} onInput=${set("match")} />
        <${Choices}
          legend="Answer"
          name="answer"
          options=${ANSWERS}
          value=${choice.answer}
          onInput=${set("answer")}
          off=${off}
        />
        <${Choices} legend="Keep it" name="to" options=${PLACES} value=${choice.to} onInput=${set("to")} />
      </div>
      <div class="bar end">
        ${
          choice.answer === "like" &&
          html`
            <${Field} label="Fixture">
              <select value=${choice.like} onInput=${(event) => set("like")(event.target.value)}>
                ${miss.nearest.map(
                  (near) => html`
                    <option key=${near.fixture} value=${near.fixture}>${nameOf(near.fixture, near.endpoint)}</option>
                  `,
                )}
              </select>
            <//>
          `
        }
        ${
          choice.answer === "error" &&
          html`<${ErrorSelect} errors=${errors} value=${choice.error} empty="choose …" onInput=${set("error")} />`
        }
        ${choice.answer === "asset" && html`<${AssetSelect} ...${{ api, say, value: choice.asset, onInput: set("asset") }} />`}
        ${
          choice.to === "disk" &&
          html`
            <${Field} label="File (optional)">
              <input
                value=${choice.file}
                placeholder="a name is made"
                spellcheck="false"
                onInput=${(event) => set("file")(event.target.value)}
              />
            <//>
          `
        }
      </div>
      <${Preview}
        ...${{ preview, choice }}
        problem=${refused ?? problem ?? lacks}
        isWrong=${Boolean(refused ?? problem)}
      />
      <div class="buttons">
        <button class="primary" disabled=${isBusy || Boolean(lacks || problem) || !preview}>Save fixture</button>
        <button type="button" class="ghost" onClick=${close}>Close</button>
      </div>
    </form>
  `;
}

function Preview({ preview, choice, problem, isWrong }) {
  if (problem)
    return html`<p class=${isWrong ? "is-error" : "faint"} role=${isWrong ? "alert" : undefined}>${problem}</p>`;
  if (!preview) return html`<p class="faint">…</p>`;
  const where =
    choice.to === "disk"
      ? html`It will be the new file <code>${preview.file}</code>`
      : "It will be in memory, before the fixtures on disk";
  return html`
    <details class="preview">
      <summary>${where}</summary>
      <pre tabindex="0" aria-label="The fixture">${preview.text}</pre>
    </details>
  `;
}

function AssetSelect({ api, value, onInput, say }) {
  const [turn, setTurn] = useState(0);
  const [assets, error] = useList(api, "/assets", "assets", [turn]);
  const chosen = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      onInput((await upload(api, file)).sha256);
      setTurn(turn + 1);
    } catch (failed) {
      say(failed.message, "error");
    }
  };
  return html`
    <${Field} label="File of falmock's">
      <select value=${value} onInput=${(event) => onInput(event.target.value)}>
        <option value="">${error ?? "choose …"}</option>
        ${(assets ?? []).map(
          (each) => html`
            <option key=${each.sha256} value=${each.sha256}>
              ${each.name || each.sha256.slice(0, 8)} (${each.type}, ${size(each.size)})
            </option>
          `,
        )}
      </select>
    <//>
    <${Field} label="or a file of yours"><input type="file" onChange=${chosen} /><//>
  `;
}
