import { html } from "../vendor/preact.js";
import { Connect } from "./connect.js";

export const JobsView = ({ state }) => html`<h2>Jobs</h2><${Connect} state=${state} />`;
