import { html } from "../vendor/preact.js";
import { Connect } from "./connect.js";

export const JournalView = ({ state }) => html`<h2>Journal</h2><${Connect} state=${state} />`;
