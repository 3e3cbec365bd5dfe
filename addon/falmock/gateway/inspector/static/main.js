// The shell: it listens to one scope, draws the view that the address names, and has the switches in sight.

import { html, render, useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { short } from "./format.js";
import { makeApi, takeToken } from "./api.js";
import { applied, empty, many, news, route } from "./model.js";
import { keys } from "./keys.js";
import { Status } from "./components.js";
import { JobsView } from "./views/jobs.js";
import { JobView } from "./views/job.js";
import { JournalView } from "./views/journal.js";
import { MissesView } from "./views/misses.js";
import { MediaView } from "./views/media.js";
import { FixturesView } from "./views/fixtures.js";
import { Banner, Switches } from "./views/switches.js";
import { Unlock } from "./views/unlock.js";

const VIEWS = { jobs: JobsView, misses: MissesView, journal: JournalView, media: MediaView, fixtures: FixturesView };
const TITLES = { jobs: "Jobs", misses: "Misses", journal: "Journal", media: "Media", fixtures: "Fixtures" };
const SCOPE = "falmock-scope";
const READ_ONLY = "This page is read only (fal_inspector=read): it shows everything and changes nothing.";
const TOO_FAST = "came faster than the page took them, and are not shown.";
const SPEAK_EVERY = 2000;
const DRAW_EVERY = 100;
const OF_NO_SCOPE = /^\/(scopes|openapi\.json|assets|errors)/;

// Collect events and draw them together, ten times a second at most: a burst leaves time for what people do meanwhile.
// They are asked for again when `unlocks` changes.
function useEvents(api, scope, unlocks) {
  const [state, setState] = useState(empty);
  const [link, setLink] = useState({ word: "waiting" });
  useEffect(() => {
    let current = empty();
    let waiting = [];
    let frame = 0;
    let rest = 0;
    const draw = () => {
      frame = 0;
      current = applied(current, waiting);
      waiting = [];
      setState(current);
      rest = setTimeout(rested, DRAW_EVERY);
    };
    const ask = () => {
      frame ||= requestAnimationFrame(draw);
    };
    const rested = () => {
      rest = 0;
      if (waiting.length) ask();
    };
    const take = (name, data) => {
      waiting.push({ name, data });
      if (!rest) ask();
    };
    setState(current);
    setLink({ word: "waiting" });
    const stop = api.events(scope, { take, status: (word, error) => setLink({ word, error }) });
    return () => {
      stop();
      clearTimeout(rest);
      cancelAnimationFrame(frame);
    };
  }, [scope, unlocks]);
  return [state, link];
}

// One value of the API, read again whenever one of `when` changes; null until it is there or if it is not.
function useRead(read, when) {
  const [value, setValue] = useState(null);
  const again = useCallback(() => read().then(setValue, () => {}), when);
  useEffect(() => {
    again();
  }, when);
  return [value, again];
}

// The live region speaks at most every two seconds, and says what came together.
function useVoice() {
  const [text, setText] = useState("");
  const [note, setNote] = useState(null);
  const waiting = useRef([]);
  const timer = useRef(0);
  const speak = () => {
    timer.current = 0;
    if (!waiting.current.length) return;
    setText(waiting.current.splice(0).join(". "));
    timer.current = setTimeout(speak, SPEAK_EVERY);
  };
  const say = useCallback((words, kind) => {
    if (kind !== "quiet") setNote({ words, kind, at: Date.now() });
    waiting.current.push(words);
    timer.current ||= setTimeout(speak, 0);
  }, []);
  useEffect(() => {
    if (!note || note.kind === "error") return undefined;
    const hide = setTimeout(() => setNote(null), 4000);
    return () => clearTimeout(hide);
  }, [note]);
  return { text, note, say, hide: () => setNote(null) };
}

let chosenScope = route(location.hash).query.scope ?? sessionStorage.getItem(SCOPE) ?? "";
const token = takeToken(location, history);
const api = makeApi((path) => (OF_NO_SCOPE.test(path) ? {} : { scope: chosenScope || undefined }), token);
const go = (hash) => {
  location.hash = hash;
};

function App() {
  const [scope, setScope] = useState(chosenScope);
  const [at, setAt] = useState(() => route(location.hash));
  const [unlocks, setUnlocks] = useState(0);
  const [events, link] = useEvents(api, scope, unlocks);
  const { text, note, say, hide } = useVoice();
  const [health, readHealth] = useRead(
    () => api.get("/health"),
    [scope, link.word, events.settings, events.counts.fixtures],
  );
  const before = useRef(events);
  const main = useRef(null);

  const choose = (name) => {
    chosenScope = name;
    sessionStorage.setItem(SCOPE, name);
    before.current = empty();
    setScope(name);
  };
  const unlocked = () => setUnlocks((count) => count + 1);
  useEffect(() => {
    const moved = async () => {
      const given = takeToken(location, history);
      if (given && (await api.unlock(given).catch(() => false))) unlocked();
      const next = route(location.hash);
      if (next.query.scope !== undefined && next.query.scope !== chosenScope) choose(next.query.scope);
      setAt(next);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  useEffect(() => keys(go), []);
  const latest = useRef(events);
  latest.current = events;
  useEffect(() => {
    const timer = setInterval(() => {
      const said = news(before.current, latest.current);
      before.current = latest.current;
      if (said) say(said, "quiet");
    }, SPEAK_EVERY);
    return () => clearInterval(timer);
  }, []);

  const view = VIEWS[at.view] ? at.view : "jobs";
  const title = view === "jobs" && at.id ? `Job ${short(at.id)}` : TITLES[view];
  useEffect(() => {
    document.title = `${title}${scope ? ` · ${scope}` : ""} · falmock`;
    scrollTo(0, 0);
  }, [title, scope]);

  const View = view === "jobs" && at.id ? JobView : VIEWS[view];
  const isLocked = link.word === "locked";
  const problem = link.word === "waiting" && link.error?.message;
  const canWrite = health?.inspector !== "read";
  const state = { ...events, scope, health, link: link.word, canWrite };
  const counts = {
    jobs: events.jobs.size,
    misses: events.counts.misses,
    journal: events.counts.calls,
    media: events.counts.assets,
    fixtures: events.counts.fixtures,
  };
  return html`
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current.focus())}
      >Skip to the view</a
    >
    <aside>
      <header class="brand">
        <h1>falmock</h1>
        <span class="faint">${health?.version ?? ""}</span>
        <${Link} link=${link} />
      </header>
      <nav aria-label="Views">
        ${Object.keys(VIEWS).map(
          (name) => html`
            <a
              href=${`#/${name}`}
              aria-current=${name === view ? "page" : undefined}
              class=${name === "misses" && counts.misses ? "alert" : ""}
            >
              <span>${TITLES[name]}</span>
              <span class="count" aria-hidden="true">${counts[name] ? counts[name].toLocaleString("en") : ""}</span>
            </a>
          `,
        )}
      </nav>
      ${!isLocked && html`<${Switches} ...${{ state, api, say, choose }} changed=${readHealth} />`}
    </aside>
    <main ref=${main} id="main" tabindex="-1" aria-label=${title}>
      <${Banner} state=${state} />
      ${problem && html`<p class="banner is-error">falmock does not answer: ${problem}. Trying again …</p>`}
      ${health && !canWrite && html`<p class="banner">${READ_ONLY}</p>`}
      ${events.lost > 0 && html`<p class="banner">${many(events.lost, "call")} ${TOO_FAST}</p>`}
      ${isLocked && html`<${Unlock} api=${api} unlocked=${unlocked} />`}
      ${!isLocked && html`<${View} key=${`${view} ${scope}`} ...${{ state, api, go, say }} ...${at} />`}
    </main>
    <div class="note-place">
      ${
        note &&
        html`
          <div class=${`note is-${note.kind ?? "done"}`}>
            <span>${note.words}</span><button class="ghost" aria-label="Dismiss" onClick=${hide}>✕</button>
          </div>
        `
      }
    </div>
    <div role="status" class="unseen">${text}</div>
  `;
}

const Link = ({ link }) => {
  if (link.word === "live") return html`<${Status} kind="ok">live<//>`;
  return html`<${Status} kind="waiting">${link.word === "waiting" ? "connecting" : link.word}<//>`;
};

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
