// Where jobs lie on an axis of time: positions are shares of its width, 0 to 1. Pure.

import { LIVE } from "./model.js";

const GAP = 60;
const LEAST = 1;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];

export const isLive = (job) => LIVE.has(job.state);

// The word for the state of a job: finished jobs with an error have failed.
export const wordOf = (job) => (job.state === "finished" && job.error !== null ? "failed" : job.state);

// When the last thing of a job happened; a live job goes on until now.
export function endOf(job, now) {
  const attempts = (job.webhook?.attempts ?? []).map(({ at }) => at);
  return Math.max(job.ended ?? now, job.submitted, ...attempts.slice(-1), ...(job.poll_times ?? []).slice(-1));
}

// Until when a job counts for the axis: one that waits for long does not squeeze the others.
const reach = (job, now) => (isLive(job) ? Math.min(now, statesOf(job).at(-1).at + GAP) : endOf(job, now));

// The axis {from, to} that shows the newest jobs: back to the last minute in which nothing happened.
export function axis(jobs, now) {
  const latest = jobs.map((job) => ({ from: job.submitted, to: reach(job, now) })).sort((a, b) => b.to - a.to);
  if (!latest.length) return { from: now - LEAST, to: now };
  let { from, to } = latest[0];
  for (const each of latest) {
    if (from - each.to > GAP) break;
    from = Math.min(from, each.from);
  }
  const least = Math.max(to - from, LEAST);
  to = from + least * 1.02;
  return { from, to };
}

// The axis of jobs that each begin at 0: as long as the longest of them.
export const sinceSubmit = (jobs, now) => {
  const longest = Math.max(LEAST, ...jobs.map((job) => endOf(job, now) - job.submitted));
  return { from: 0, to: longest * 1.02 };
};

// Marks of an axis: [{at: share, value: seconds after its begin}], about `most` of them.
export function ticks({ from, to }, most = 4) {
  const width = to - from;
  const step = STEPS.find((each) => width / each <= most) ?? Math.ceil(width / most / 86400) * 86400;
  return Array.from({ length: Math.floor(width / step + 1e-9) + 1 }, (_, n) => ({
    at: (n * step) / width,
    value: n * step,
  }));
}

// A job on an axis: {bars: [{kind, from, to}], polls: [share], attempts: [{at, good}], end: {kind, at} | null, early}.
// `early` says that it began before the axis.
export function layout(job, { from, to }, now) {
  const share = (at) => Math.min(Math.max((at - from) / (to - from), 0), 1);
  const states = statesOf(job);
  const stop = job.ended ?? now;
  const bars = states
    .map((each, index) => ({
      kind: each.state,
      from: share(each.at),
      to: share(states[index + 1]?.at ?? stop),
      at: each.at,
    }))
    .filter(({ kind, to: right }) => LIVE.has(kind) && right > 0);
  const inside = (at) => at >= from && at <= to;
  return {
    bars,
    polls: thinned((job.poll_times ?? []).filter(inside).map(share)),
    attempts: (job.webhook?.attempts ?? [])
      .filter(({ at }) => inside(at))
      .map((each) => ({ at: share(each.at), good: each.status >= 200 && each.status < 300 })),
    end:
      job.ended === null || job.ended === undefined || !inside(job.ended)
        ? null
        : { kind: wordOf(job), at: share(job.ended) },
    early: job.submitted < from,
  };
}

// A job as it lies on an axis that begins with its submit.
export const fromZero = (job, width, now) => layout(job, { from: job.submitted, to: job.submitted + width.to }, now);

// The states of a job so far; what is not told is taken from its times.
export function statesOf(job) {
  if (job.states?.length) return job.states;
  const states = [{ state: "queued", at: job.submitted }];
  if (job.started !== null && job.started !== undefined) states.push({ state: "running", at: job.started });
  return states;
}

const thinned = (shares) =>
  shares.filter((each, index) => index === 0 || Math.floor(each * 400) !== Math.floor(shares[index - 1] * 400));

// What happened to a job, in order, as a list that says what the bars show: [{at, text}].
export function story(job) {
  const events = statesOf(job).map(({ state, at }) => ({ at, text: state === "finished" ? wordOf(job) : state }));
  if (job.ended !== null && job.ended !== undefined && !events.some(({ at }) => at === job.ended)) {
    events.push({ at: job.ended, text: wordOf(job) });
  }
  for (const at of job.poll_times ?? []) events.push({ at, text: "polled" });
  for (const { at, status, why } of job.webhook?.attempts ?? []) {
    events.push({ at, text: `webhook to ${job.webhook.url}: ${status ?? "no answer"}${why ? `, ${why}` : ""}` });
  }
  return folded(events.sort((a, b) => a.at - b.at));
}

// Polls that follow one another as one line: "polled 12 times".
function folded(events) {
  const lines = [];
  for (const each of events) {
    const last = lines.at(-1);
    if (each.text === "polled" && last?.polls) {
      last.polls += 1;
      last.text = `polled ${last.polls} times`;
    } else lines.push(each.text === "polled" ? { ...each, polls: 1 } : each);
  }
  return lines.map(({ at, text }) => ({ at, text }));
}
