import { html } from "../vendor/preact.js";
import { Empty } from "../components.js";

export const FixturesView = () => html`<${Empty} title="Fixtures" />`;
