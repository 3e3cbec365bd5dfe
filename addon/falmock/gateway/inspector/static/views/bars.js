// The drawing of a job on an axis. The same is told in words beside it, so it is hidden from screen readers.

import { html } from "../vendor/preact.js";

const percent = (share) => `${(share * 100).toFixed(3)}%`;
const ENDS = {
  finished: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
  failed: "M-3.5 -3.5L3.5 3.5M3.5 -3.5L-3.5 3.5",
  cancelled: "M-3.5 -3.5h7v7h-7z",
  expired: "M0 -4.5L4.5 0L0 4.5L-4.5 0z",
};

const End = ({ kind, at }) => html`
  <svg x=${percent(at)} y="10" overflow="visible">
    <path class=${`end end-${kind}`} d=${ENDS[kind] ?? ENDS.finished} />
  </svg>
`;

// Bars of what `layout` of timeline.js gives.
export const Bars = ({ of }) => html`
  <svg class="bars" height="20" aria-hidden="true">
    ${of.bars.map(
      ({ kind, from, to, at }) => html`
        <rect
          key=${`${kind}${at}`}
          class=${`bar-${kind}`}
          x=${percent(from)}
          width=${percent(Math.max(to - from, 0.002))}
          y=${kind === "queued" ? 8.5 : 5}
          height=${kind === "queued" ? 3 : 10}
          rx="1.5"
        />
      `,
    )}
    ${of.polls.map((at) => html`<line key=${at} class="poll" x1=${percent(at)} x2=${percent(at)} y1="16" y2="20" />`)}
    ${of.attempts.map(
      ({ at, good }, index) => html`
        <svg key=${`w${index}`} x=${percent(at)} y="3" overflow="visible">
          <path class=${good ? "hook-good" : "hook-bad"} d="M0 -3L3 0L0 3L-3 0z" />
        </svg>
      `,
    )}
    ${of.end && html`<${End} ...${of.end} />`} ${of.early && html`<path class="early" d="M5 6L1 10L5 14" />`}
  </svg>
`;

// The marks of an axis above the bars, `word(seconds)` for each.
export const Axis = ({ marks, word }) => html`
  <svg class="axis" height="16" aria-hidden="true">
    ${marks.map(
      ({ at, value }) => html`
        <g key=${value}>
          <line x1=${percent(at)} x2=${percent(at)} y1="12" y2="16" />
          <text x=${percent(at)} y="10" text-anchor=${at < 0.04 ? "start" : at > 0.92 ? "end" : "middle"}>
            ${word(value)}
          </text>
        </g>
      `,
    )}
  </svg>
`;
