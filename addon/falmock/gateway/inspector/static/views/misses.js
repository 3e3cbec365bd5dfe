import { html } from "../vendor/preact.js";
import { Empty } from "../components.js";

export const MissesView = () => html`<${Empty} title="Misses" />`;
