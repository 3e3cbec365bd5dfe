import { html } from "../vendor/preact.js";

export const Switches = () => html`<section aria-label="Switches"></section>`;
export const Banner = () => null;
