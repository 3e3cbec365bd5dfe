import { html } from "../vendor/preact.js";
import { Connect } from "./connect.js";

export const JobView = ({ state }) => html`<h2>Job</h2><${Connect} state=${state} />`;
