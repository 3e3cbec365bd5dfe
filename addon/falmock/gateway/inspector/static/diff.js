// Rows of differences between what a fixture expects and what was found. Pure.

const isObject = (value) => value !== null && typeof value === "object";
const keysOf = (value) => (Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value));
const step = (path, key) => (typeof key === "number" ? `${path}[${key}]` : `${path}.${key}`);

// The paths at which two JSON values differ: [{path, expected, found, kind: "missing" | "extra" | "other"}].
export function differences(expected, found, path = "$") {
  if (isObject(expected) && isObject(found) && Array.isArray(expected) === Array.isArray(found)) {
    const keys = [...new Set([...keysOf(expected), ...keysOf(found)])];
    return keys.flatMap((key) => {
      const at = step(path, key);
      if (!Object.hasOwn(found, key)) return [{ path: at, expected: expected[key], found: undefined, kind: "missing" }];
      if (!Object.hasOwn(expected, key)) return [{ path: at, expected: undefined, found: found[key], kind: "extra" }];
      return differences(expected[key], found[key], at);
    });
  }
  return Object.is(expected, found) ? [] : [{ path, expected, found, kind: "other" }];
}

// Where two texts differ: what they share at both ends, and the middle of each.
export function textParts(expected, found) {
  const most = Math.min(expected.length, found.length);
  let start = 0;
  while (start < most && expected[start] === found[start]) start += 1;
  let end = 0;
  while (end < most - start && expected.at(-1 - end) === found.at(-1 - end)) end += 1;
  const middle = (text) => text.slice(start, text.length - end);
  return {
    start: expected.slice(0, start),
    expected: middle(expected),
    found: middle(found),
    end: expected.slice(expected.length - end),
  };
}

// The rows of a nearest fixture, those that change from run to run at the end.
export const rows = (differences) => [
  ...differences.filter((each) => !each.volatile),
  ...differences.filter((each) => each.volatile),
];

// A value in a cell: text as it is, else its JSON; "nothing" where there is none.
export const shown = (value) =>
  value === undefined ? "nothing" : typeof value === "string" ? value : JSON.stringify(value);
