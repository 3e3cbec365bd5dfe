import { html } from "../vendor/preact.js";
import { Empty } from "../components.js";

// How to send calls here, for views that have nothing to show yet.
export const Connect = ({ state, title = "No calls yet" }) => html`
  <${Empty} title=${title}>
    <p>Send calls through the proxy at ${state.health?.connect?.proxy ?? location.origin}.</p>
  <//>
`;
