import { html } from "../vendor/preact.js";
import { Empty } from "../components.js";

export const MediaView = () => html`<${Empty} title="Media" />`;
