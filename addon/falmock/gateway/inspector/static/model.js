// What the page knows of a scope, and how each event changes it. Pure: no DOM, no clock.

export const MOST_CALLS = 2000;
export const MOST_JOBS = 1000;
export const LIVE = new Set(["queued", "running"]);

export const empty = () => ({ calls: [], jobs: new Map(), counts: { calls: 0, misses: 0 }, lost: 0, settings: null });

// The state after these events, [{name, data}], in order. States are never changed, so that views may compare them.
export function applied(state, events) {
  const next = { ...state, calls: state.calls.slice(), jobs: new Map(state.jobs), counts: { ...state.counts } };
  for (const { name, data } of events) change(next, name, data);
  if (next.calls.length > MOST_CALLS) next.calls.splice(0, next.calls.length - MOST_CALLS);
  for (const id of next.jobs.keys()) {
    if (next.jobs.size <= MOST_JOBS) break;
    next.jobs.delete(id);
  }
  return next;
}

function change(next, name, data) {
  if (name === "hello") {
    // Fewer calls than before: the journal began again while nobody listened.
    if (data.calls < next.counts.calls) clear(next);
    next.counts.calls = data.calls;
    next.jobs = new Map();
  } else if (name === "call") addCall(next, data);
  else if (name === "job") next.jobs.set(data.request_id, data);
  else if (name === "gap") next.lost += data.lost;
  else if (name === "reset") clear(next);
  else if (name === "settings") next.settings = data;
  else if (data && "count" in data) next.counts[name] = data.count;
}

function clear(next) {
  next.calls = [];
  next.jobs = new Map();
  next.lost = 0;
  Object.assign(next.counts, { calls: 0, misses: 0 });
}

function addCall(next, call) {
  const last = next.calls.at(-1)?.number ?? 0;
  if (call.number <= last) return;
  next.calls.push(call);
  next.counts.calls = Math.max(next.counts.calls, call.number);
  if (call.miss) next.counts.misses += 1;
}

// What came between two states, for the live region: "3 new calls, 1 miss"; "" if nothing.
export function news(before, after) {
  const calls = after.counts.calls - before.counts.calls;
  const misses = after.counts.misses - before.counts.misses;
  if (calls < 0) return "The scope was reset";
  return [calls > 0 && many(calls, "new call"), misses > 0 && many(misses, "miss", "misses")]
    .filter(Boolean)
    .join(", ");
}

export const many = (n, one, more = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

const holdsText = (text, part) =>
  !part ||
  String(text ?? "")
    .toLowerCase()
    .includes(part.toLowerCase());

// The calls that fit the filter of the journal; an empty value is no condition.
export function chosen(calls, filter) {
  return calls.filter(
    (call) =>
      holdsText(call.endpoint || call.path, filter.endpoint) &&
      (!filter.call || call.call === filter.call) &&
      (!filter.status || String(call.status ?? "").startsWith(filter.status)) &&
      (!filter.door || (call.door ?? "proxy") === filter.door) &&
      (!filter.number || call.number === filter.number) &&
      (!filter.request_id || call.request_id === filter.request_id) &&
      (!filter.only || (filter.only === "miss" ? Boolean(call.miss) : call.fault !== null)),
  );
}

// A part of an address without its escapes; as it is, if they are none.
export function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// The views that the address names: "#/jobs/ID?scope=a" is {view: "jobs", id: "ID", query: {scope: "a"}}.
export function route(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  const id = rest.length ? decoded(rest.join("/")) : null;
  return { view: view || "jobs", id, query: Object.fromEntries(new URLSearchParams(query)) };
}
