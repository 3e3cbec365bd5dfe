// What lists of misses, files and fixtures show: words, filters and groups. Pure.

import { textParts } from "./diff.js";

const MOST_WORDS = 160;

// What a call asked for, in one line: its prompt, else its input.
export function asked(input) {
  if (input === null || input === undefined) return "no input";
  if (typeof input === "string") return oneLine(input);
  const said = typeof input === "object" && [input.prompt, input.text].find((each) => typeof each === "string" && each);
  return oneLine(said || JSON.stringify(input));
}

function oneLine(words) {
  const text = words.replace(/\s+/g, " ").trim();
  return text.length > MOST_WORDS ? `${text.slice(0, MOST_WORDS)}…` : text;
}

// How a value of fal_ignore is given to falmock.
export const option = (rule) => `--set fal_ignore='${rule.replaceAll("'", "'\\''")}'`;

const ALIKE = 0.3;

// Where two texts of a difference differ; all of them, if they have little in common.
export function marked(expected, found) {
  const parts = textParts(expected, found);
  const common = parts.start.length + parts.end.length;
  const isAlike = common >= ALIKE * Math.max(expected.length, found.length);
  return isAlike ? parts : { start: "", expected, found, end: "" };
}

// The name of a fixture without the folder that its endpoint's is in: "fal-ai/flux/dev/a-cat.json#0".
export function nameOf(label, endpoint) {
  const at = endpoint ? label.indexOf(`/${endpoint}/`) : -1;
  return at < 0 ? label.replace(/^.*?fixtures\//, "") : label.slice(at + 1);
}

const has = (text, part) =>
  String(text ?? "")
    .toLowerCase()
    .includes(part);
const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

export const KINDS = { image: "Images", video: "Videos", audio: "Sounds", other: "Other files" };
export const ORIGINS = { upload: "Uploaded", fixture: "Of fixtures", made: "Made" };

export const kindOf = (asset) => {
  const kind = (asset.type ?? "").split("/")[0];
  return kind in KINDS ? kind : "other";
};

// The files that fit the filter {text, kind, origin}; an empty value is no condition.
export function chosenAssets(assets, { text, kind, origin }) {
  const parts = words(text);
  return assets.filter(
    (each) =>
      (!kind || kindOf(each) === kind) &&
      (!origin || each.origin === origin) &&
      parts.every((part) =>
        [each.name, each.sha256, each.type, ...each.urls, ...each.used_by].some((value) => has(value, part)),
      ),
  );
}

// The fixtures that fit the filter {text, use}; `use` is "used", "unused", "added" or "".
export function chosenFixtures(fixtures, { text, use }) {
  const parts = words(text);
  const uses = { used: (each) => each.used, unused: (each) => !each.used, added: (each) => each.added !== null };
  return fixtures.filter(
    (each) =>
      (!use || uses[use](each)) &&
      parts.every((part) =>
        [each.id, each.model, each.path, each.userMessage, each.input, each.test].some((value) => has(value, part)),
      ),
  );
}

// Fixtures by their file or batch: [{key, file, added, fixtures, used}], in the order in which they come.
export function grouped(fixtures) {
  const groups = new Map();
  for (const each of fixtures) {
    const key = each.added === null ? `file ${each.file}` : `added ${each.added}`;
    if (!groups.has(key)) groups.set(key, { key, file: each.file, added: each.added, fixtures: [], used: 0 });
    const group = groups.get(key);
    group.fixtures.push(each);
    group.used += each.used ? 1 : 0;
  }
  return [...groups.values()];
}

// Groups as rows of a table: a row for a group that has several fixtures or can be removed, then one for each fixture.
export function rowsOf(groups) {
  return groups.flatMap((group) => {
    const alone = group.fixtures.length === 1 && group.added === null;
    const rows = group.fixtures.map((fixture) => ({ key: fixture.id, fixture, alone }));
    return alone ? rows : [{ key: group.key, group }, ...rows];
  });
}

// The folder that all of these files are in, with a slash at the end; "" if there is none.
export function folderOf(files) {
  if (!files.length) return "";
  const folders = files.map((file) => file.split("/").slice(0, -1));
  const [first] = folders;
  const differs = first.findIndex((each, index) => folders.some((other) => other[index] !== each));
  const common = differs < 0 ? first : first.slice(0, differs);
  return common.length ? `${common.join("/")}/` : "";
}

// What a fixture matches, in one line.
export function matched(fixture) {
  if (fixture.userMessage !== null) return `prompt has “${fixture.userMessage}”`;
  if (fixture.input === null) return "any input";
  try {
    return asked(JSON.parse(fixture.input));
  } catch {
    return asked(fixture.input);
  }
}
