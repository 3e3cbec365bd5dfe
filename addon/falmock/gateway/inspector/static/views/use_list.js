// A list of the API that is read again when something of it may have changed.

import { useEffect, useRef, useState } from "../vendor/preact.js";

const REST = 250;
const SHARE = 3;
const PAGE = 1000;
const MOST = 20000;

async function readAll(api, path, key) {
  const found = [];
  for (let total = 1; found.length < Math.min(total, MOST);) {
    const page = await api.get(path, { limit: PAGE, offset: found.length });
    found.push(...page[key]);
    total = page[key].length ? page.total : 0;
  }
  return found;
}

// [items | null, error | null, read again]: a list, read when one of `when` changes. After each reading there is a
// rest, longer than the reading took, so that a list that changes all the time takes a small share of it.
export function useList(api, path, key, when) {
  const [items, setItems] = useState(null);
  const [error, setError] = useState(null);
  const own = useRef({ timer: 0, turn: 0, restsUntil: 0 }).current;
  const read = async () => {
    own.timer = 0;
    const mine = ++own.turn;
    const began = performance.now();
    try {
      const found = await readAll(api, path, key);
      if (mine !== own.turn) return;
      setItems(found);
      setError(null);
    } catch (failed) {
      if (mine === own.turn) setError(failed.message);
    }
    const ended = performance.now();
    own.restsUntil = ended + Math.max(REST, SHARE * (ended - began));
  };
  useEffect(() => {
    own.timer ||= setTimeout(read, Math.max(own.restsUntil - performance.now(), 0));
  }, when);
  useEffect(
    () => () => {
      own.turn += 1;
      clearTimeout(own.timer);
    },
    [],
  );
  return [items, error, read];
}
