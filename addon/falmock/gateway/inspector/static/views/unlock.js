// What is shown while falmock wants a token: a form that asks for it.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Empty, Field } from "../components.js";

const WRONG = "falmock has another token: this one is not that of fal_control_token.";

export function Unlock({ api, unlocked }) {
  const [problem, setProblem] = useState("");
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  const send = async (event) => {
    event.preventDefault();
    try {
      if (await api.unlock(field.current.value.trim())) unlocked();
      else setProblem(WRONG);
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`
    <${Empty} title="falmock wants its token">
      <p>
        It was started with <code>fal_control_token</code>. This page keeps the token until it is closed or loaded again,
        and writes it nowhere.
      </p>
      <form class="bar end" aria-label="Give the token" onSubmit=${send}>
        <${Field} label="Token"
          ><input ref=${field} type="password" autocomplete="off" required aria-describedby="token-problem"
        /><//>
        <button class="primary">Open</button>
      </form>
      <p id="token-problem" class="is-error" role="alert">${problem}</p>
      <p>An address that ends with <code>#token=</code> and the token needs no form.</p>
    <//>
  `;
}
