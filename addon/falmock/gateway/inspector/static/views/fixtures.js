// The fixtures of the scope by file: what each matches, whether it was used, when and for which test it was recorded.

import { html, useMemo } from "../vendor/preact.js";
import { Action, Copy, Empty, JsonTree, Status, Table } from "../components.js";
import { ago, day } from "../format.js";
import { chosenFixtures, folderOf, grouped, matched, rowsOf } from "../lists.js";
import { many } from "../model.js";
import { useNow } from "./clock.js";
import { Choose, Search, Unfold, useFields, useUnfolded } from "./filters.js";
import { useList } from "./use_list.js";

const HEAD = [
  { label: "Fixture", className: "w-file" },
  { label: "Endpoint", className: "w-endpoint" },
  { label: "Matches", className: "w-asked" },
  { label: "Use", className: "w-use" },
];
const RECORDED = { label: "Recorded", className: "w-recorded" };
const TEST = { label: "Test", className: "w-test" };
const SCHEMA_HEAD = ["Endpoint", "Source", "When", "Inputs", "Path"];
const USES = { used: "used", unused: "never used", added: "in memory" };
const LINKED = 5;

// The columns that have something to show, and the names of files without the folder that all are in.
function columns(fixtures) {
  const isRecorded = fixtures.some((each) => each.recorded_at !== null);
  const isOfTest = fixtures.some((each) => each.test !== null);
  const folder = folderOf(fixtures.flatMap(({ added, file }) => (added === null ? [file] : [])));
  return {
    head: [...HEAD, ...(isRecorded ? [RECORDED] : []), ...(isOfTest ? [TEST] : [])],
    short: (file) => file.slice(folder.length),
    isRecorded,
    isOfTest,
  };
}

export function FixturesView({ state, api, say }) {
  const { counts, link } = state;
  const [fixtures, error, read] = useList(api, "/fixtures", "fixtures", [counts.fixtures, counts.calls, link]);
  const [schemas] = useList(api, "/schemas", "schemas", [counts.fixtures, link]);
  const [filter, field] = useFields({ text: "", use: "" });
  const [open, toggle] = useUnfolded();
  const now = useNow(false);
  const found = useMemo(() => chosenFixtures(fixtures ?? [], filter), [fixtures, filter]);
  const about = useMemo(() => columns(fixtures ?? []), [fixtures]);
  const rows = useMemo(() => rowsOf(grouped(found)), [found]);
  if (error && !fixtures) return html`<${Empty} title="Fixtures"><p class="is-error">${error}</p><//>`;
  if (!fixtures) return html`<p class="empty">Loading …</p>`;
  const again = async () => {
    const told = await api.send("POST", "/fixtures/reload");
    await read();
    say(told.message);
  };
  const row = ({ key, group, fixture, alone }) =>
    group
      ? html`<${GroupRow} key=${key} ...${{ group, about, api, say, read, state }} />`
      : html`<${FixtureRow}
          key=${key}
          ...${{ fixture, alone, about, now, state, say, schemas }}
          isOpen=${open.has(key)}
          toggle=${() => toggle(key)}
        />`;
  const unused = fixtures.filter((each) => !each.used).length.toLocaleString("en");
  const told = `${many(found.length, "fixture")} of ${fixtures.length.toLocaleString("en")}; ${unused} never used`;
  return html`
    <div class="bar end">
      <h2 class="grow">Fixtures</h2>
      <${Search} label="Filter" ...${field("text")} />
      <${Choose} label="Use" options=${Object.entries(USES)} ...${field("use")} />
      ${state.canWrite && html`<${Action} say=${say} run=${again}>Read again<//>`}
    </div>
    ${error && html`<p class="banner is-error">${error}</p>`} ${!fixtures.length && html`<${Nothing} />`}
    ${
      fixtures.length > 0 &&
      html`<${Table} className="fixtures" caption=${told} head=${about.head} rows=${rows} row=${row} />`
    }
    ${schemas?.length > 0 && html`<${Schemas} schemas=${schemas} />`}
  `;
}

const Nothing = () => html`
  <${Empty} title="No fixtures yet">
    <p>A fixture is one recorded or written answer, with the rule that selects it. There are three ways to one:</p>
    <ol>
      <li>Record it, once and with a real key: <code>falmock run --record -- npm test</code></li>
      <li>Have it made: <code>falmock run --miss synthesize -- npm test</code></li>
      <li>Make a call that no fixture answers, and open it in <a href="#/misses">Misses</a>.</li>
    </ol>
  <//>
`;

function GroupRow({ group, about, api, say, read, state }) {
  const name = group.added === null ? about.short(group.file) : `In memory, added ${group.added}`;
  const remove = async () => {
    await api.send("DELETE", `/fixtures/${encodeURIComponent(group.added)}`);
    await read();
  };
  const canRemove = state.canWrite && group.added !== null && !group.added.startsWith("all-");
  return html`
    <tr class="group">
      <th scope="rowgroup" colspan=${about.head.length} title=${group.file}>
        <div class="bar">
          <span class="mono">${name}</span>
          <span class="faint grow">${many(group.fixtures.length, "fixture")}, ${group.used} used</span>
          ${
            canRemove &&
            html` <${Action} className="ghost" say=${say} done="The fixtures were removed" run=${remove}>Remove<//> `
          }
        </div>
      </th>
    </tr>
  `;
}

function FixtureRow({ fixture, alone, about, now, state, say, schemas, isOpen, toggle }) {
  const id = `fixture-${fixture.id}`;
  return [
    html`
      <tr key=${fixture.id}>
        <th scope="row" class="clip" title=${fixture.id}>
          <${Unfold} ...${{ id, isOpen, toggle }}
            >${alone ? about.short(fixture.file) : `#${fixture.place}`}<//
          >
        </th>
        <td class="clip" title=${fixture.model}>
          ${fixture.model ?? fixture.path ?? html`<span class="faint">any</span>`}
        </td>
        <td class="clip" title=${matched(fixture)}>${matched(fixture)}</td>
        <td>${fixture.used ? html`<${Status} kind="ok">used<//>` : html`<${Status} kind="queued">never used<//>`}</td>
        ${
          about.isRecorded &&
          html`<td class="faint" title=${fixture.recorded_at === null ? undefined : day(fixture.recorded_at)}>
            ${fixture.recorded_at === null ? "" : ago(fixture.recorded_at, now)}
          </td>`
        }
        ${about.isOfTest && html`<td class="clip faint" title=${fixture.test}>${fixture.test}</td>`}
      </tr>
    `,
    isOpen &&
      html`
        <tr key=${`${fixture.id}+`} class="unfolded" id=${id}>
          <td colspan=${about.head.length}><${Detail} ...${{ fixture, state, say, schemas }} /></td>
        </tr>
      `,
  ];
}

function Detail({ fixture, state, say, schemas }) {
  const calls = state.calls.filter((call) => call.fixture === fixture.id).slice(-LINKED);
  const schema = schemas?.find((each) => each.id === fixture.model);
  let input = fixture.input;
  try {
    input = JSON.parse(fixture.input);
  } catch {
    // It was cut, and is shown as it is.
  }
  const facts = [
    ["Name", html`<span class="mono">${fixture.id}</span>`],
    ["Method", fixture.method],
    ["Host", fixture.host],
    ["Path", fixture.path],
    ["Context", fixture.context],
    ["Turn", fixture.sequenceIndex],
    ["Prompt has", fixture.userMessage],
    ["Exact", fixture.input === null ? null : fixture.exact ? "yes: no other input" : "no: other keys may be there"],
    ["Recorded", fixture.recorded_at === null ? null : day(fixture.recorded_at)],
    ["Test", fixture.test],
    ["Schema", schema && sourceOf(schema)],
    [
      "Answered",
      calls.length > 0 &&
        calls.map(({ number }) => html`<a href=${`#/journal?open=${number}`}>call ${number}</a>${" "}`),
    ],
  ];
  return html`
    <div class="detail">
      <div class="bar">
        <span class="grow"></span>
        <${Copy} say=${say} text=${() => fixture.file ?? fixture.id}>Copy its path<//>
      </div>
      <dl class="facts">
        ${facts
          .filter(([, value]) => value !== null && value !== undefined && value !== false)
          .map(
            ([name, value]) =>
              html`<dt>${name}</dt>
                <dd>${value}</dd>`,
          )}
      </dl>
      ${
        fixture.input !== null &&
        html`<h3>Input</h3>
          <${JsonTree} value=${input} />`
      }
    </div>
  `;
}

const whenOf = ({ at }) => (at ? day(Date.parse(at) / 1000) : "");
const sourceOf = (schema) => [schema.source, whenOf(schema), schema.path].filter(Boolean).join(", ");

const Schemas = ({ schemas }) => html`
  <${Table}
    className="schemas"
    caption=${`${many(schemas.length, "schema")}: by them inputs are checked and answers are made`}
    head=${SCHEMA_HEAD}
    rows=${schemas}
    row=${(each) => html`
      <tr key=${each.id}>
        <th scope="row" class="clip" title=${each.id}>${each.id}</th>
        <td>${each.source}</td>
        <td class="faint">${whenOf(each)}</td>
        <td>${each.inputs ?? html`<span class="faint">cannot be read</span>`}</td>
        <td class="clip mono" title=${each.path}>${each.path}</td>
      </tr>
    `}
  />
`;
