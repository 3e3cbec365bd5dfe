// What a view is filtered with, and which of its rows are unfolded.

import { html, useState } from "../vendor/preact.js";
import { Field } from "../components.js";

// [values, field(name), setValues]: `field` gives the control of one of them its value and handler.
export function useFields(first) {
  const [values, setValues] = useState(first);
  const field = (name) => ({
    value: values[name],
    onInput: (event) => setValues({ ...values, [name]: event.target.value }),
  });
  return [values, field, setValues];
}

// The field to search in, which "/" leads to.
export const Search = ({ label, ...field }) => html`
  <${Field} label=${label}><input data-filter type="search" placeholder="/ to filter" ...${field} /><//>
`;

// A list to choose from: each option is a word or [value, word]; `all` is the word for no condition, if there may be none.
export const Choose = ({ label, options, all = "all", ...field }) => html`
  <${Field} label=${label}>
    <select ...${field}>
      ${all && html`<option value="">${all}</option>`}
      ${options.map((each) => {
        const [value, word = value] = [each].flat();
        return html`<option key=${value} value=${value}>${word}</option>`;
      })}
    </select>
  <//>
`;

// [keys, toggle(key), setKeys]: the Set of the rows that are unfolded.
export function useUnfolded(first) {
  const [keys, setKeys] = useState(() => new Set(first));
  const toggle = (key) => {
    const next = new Set(keys);
    if (!next.delete(key)) next.add(key);
    setKeys(next);
  };
  return [keys, toggle, setKeys];
}

// The button that unfolds a row into the one with this id.
export const Unfold = ({ id, isOpen, toggle, children }) => html`
  <button class="link" data-row aria-expanded=${isOpen ? "true" : "false"} aria-controls=${id} onClick=${toggle}>
    <span class="turn" aria-hidden="true">${isOpen ? "▾" : "▸"}</span>${children}
  </button>
`;
