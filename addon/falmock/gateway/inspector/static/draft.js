// The form "Make this a fixture": its choices, and the body of POST /fixtures/from that they make. Pure.

export const MATCHES = { exact: "Exact input", prompt: "Prompt only", any: "Any input" };
export const ANSWERS = {
  like: "From the nearest fixture",
  schema: "From the schema",
  asset: "From a file",
  error: "An error",
};
export const PLACES = { memory: "In memory", disk: "In the fixtures folder" };
const ASKS = new Set(["run", "submit", "stream", "message"]);

// Whether a miss asked a model for something: else no fixture can be made of it.
export const isAsk = (miss) => ASKS.has(miss.call) && miss.endpoint !== "";

// What the form shows first: the answer of the nearest fixture, if there is one.
export function firstChoice(miss) {
  const nearest = miss.nearest[0]?.fixture ?? "";
  return {
    match: "exact",
    answer: nearest ? "like" : "schema",
    to: "memory",
    like: nearest,
    asset: "",
    error: "",
    file: "",
  };
}

// What is still to be chosen, in words; null if nothing is.
export function lacking(choice) {
  if (choice.answer === "asset" && !choice.asset) return "Choose the file that the answer has.";
  if (choice.answer === "error" && !choice.error) return "Choose the error that is answered.";
  return null;
}

// The body for the last call of a miss.
export function bodyOf(miss, choice) {
  const body = { call: miss.numbers.at(-1), input: choice.match, to: choice.to };
  if (choice.answer !== "schema") body[choice.answer] = choice[choice.answer];
  const file = choice.file.trim().replace(/\.json$/, "");
  if (choice.to === "disk" && file) body.file = file;
  return body;
}

const PASSES = {
  exact: "The same call passes now.",
  prompt: "Calls with this prompt pass now.",
  any: "Each call to this endpoint passes now.",
};

// What saving did, for the live region and the row: where it is, and what passes now.
export function outcome(choice, saved) {
  const ids = saved.fixtures.map(({ id }) => id).join(", ");
  const where = saved.file ? `Saved as ${ids || saved.file}.` : `Added in memory as ${ids}, until the scope is reset.`;
  const passes = choice.answer === "error" ? "The same call gets this error now." : PASSES[choice.match];
  return `${where} ${passes}`;
}

// The errors that fal answers a call with; a job also ends with those of its result.
export function errorsFor(errors, call) {
  const kinds = call === "submit" ? ["submit", "result"] : [call];
  const fit = errors.filter((each) => kinds.some((kind) => each.for.includes(kind)));
  return fit.length ? fit : errors;
}
