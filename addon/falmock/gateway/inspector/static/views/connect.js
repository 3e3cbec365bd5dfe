// What an empty view says: how to send calls here, for the kind of program that one has.

import { html, useState } from "../vendor/preact.js";
import { Copy, Empty, Field } from "../components.js";
import { ways } from "../connecting.js";

const CHOSEN = "falmock-program";

export function Connect({ state, say, title = "No calls yet", children }) {
  const [name, setName] = useState(sessionStorage.getItem(CHOSEN) ?? "Shell");
  const { proxy, ca } = state.health?.connect ?? {};
  const all = ways({ proxy: proxy ?? location.origin, ca, scope: state.scope });
  const way = all.find((each) => each.name === name) ?? all[0];
  const chosen = (event) => {
    sessionStorage.setItem(CHOSEN, event.target.value);
    setName(event.target.value);
  };
  const text = way.lines.join("\n");
  return html`
    <${Empty} title=${title}>
      ${children ?? html`<p>Calls to fal that come here are shown as they come. Connect a program:</p>`}
      <div class="connect card">
        <div class="bar end">
          <${Field} label="Program">
            <select value=${way.name} onInput=${chosen}>
              ${all.map((each) => html`<option key=${each.name} value=${each.name}>${each.name}</option>`)}
            </select>
          <//>
          <span class="grow"></span>
          <${Copy} say=${say} text=${() => text}>Copy<//>
        </div>
        <pre tabindex="0" aria-label=${`Lines for ${way.name}`}>${text}</pre>
        <p class="faint">${way.note}</p>
      </div>
      <p class="faint">
        ${state.scope ? `This is the scope ${state.scope}.` : "This is the default scope."} Calls of another scope are
        shown when it is chosen in the switches.
      </p>
    <//>
  `;
}
