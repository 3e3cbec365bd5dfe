// The control API as the page calls it: JSON, the stream of events, and the URLs of media.

import { decoded } from "./model.js";

const BASE = "/__falmock";
const RETRY = 1000;
const UNAUTHORIZED = 401;
// A ticket is good for 60 s. The page counts by itself: the clock of falmock's machine may differ.
const TICKET_FOR = 50_000;

export class ApiError extends Error {
  constructor(status, value) {
    const problems = (value?.problems ?? []).map(({ path, message }) => `${path}: ${message}`);
    super([value?.message ?? `The answer was ${status}`, ...problems].join("\n"));
    this.status = status;
  }
}

// The token of the fragment `#token=...`, which is removed from the address; "" if there is none.
export function takeToken(location, history) {
  const found = /^#token=([^&]*)&?(.*)$/.exec(location.hash);
  if (!found) return "";
  history.replaceState(null, "", `${location.pathname}${location.search}#${found[2] || "/jobs"}`);
  return decoded(found[1]);
}

export const queryOf = (query) => {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

// The lines of a stream of server-sent events as {event, id, data}; comments are left out.
export function parser(take) {
  let rest = "";
  let message = { data: [] };
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (message.data.length) take({ ...message, data: message.data.join("\n") });
        message = { data: [] };
        continue;
      }
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (name === "data") message.data.push(value);
      else if (name === "event" || name === "id") message[name] = value;
    }
  };
}

// The control API for the scope that `scope(path)` names. The token is kept here alone, in memory.
export function makeApi(scope, token = "") {
  const headers = (more) => ({ ...(token ? { authorization: `Bearer ${token}` } : {}), ...more });
  let ticket = null;

  async function call(method, path, body, query) {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await fetch(`${BASE}${path}${queryOf({ ...scope(path), ...query })}`, {
      method,
      headers: headers(json),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    let value = null;
    try {
      value = text ? JSON.parse(text) : null;
    } catch {
      value = { message: `The answer to ${method} ${path} is not JSON` };
    }
    if (!answer.ok) throw new ApiError(answer.status, value);
    return value;
  }

  function freshTicket() {
    if (!ticket?.isFresh()) {
      const until = performance.now() + TICKET_FOR;
      const given = call("POST", "/assets/tickets");
      ticket = { given, isFresh: () => performance.now() < until };
      given.catch(() => {
        ticket = null;
      });
    }
    return ticket;
  }

  return {
    get: (path, query) => call("GET", path, undefined, query),
    send: call,

    // Whether falmock takes this token, which is used from then on. Throws what else goes wrong.
    async unlock(given) {
      const before = token;
      token = given;
      try {
        await call("GET", "/health");
      } catch (error) {
        token = before;
        if (error.status === UNAUTHORIZED) return false;
        throw error;
      }
      return true;
    },

    // All items of a list, the last `most` of them.
    async list(path, key, query, most = 1000) {
      const first = await call("GET", path, undefined, { ...query, limit: most });
      if (first.total <= most) return first[key];
      return (await call("GET", path, undefined, { ...query, limit: most, offset: first.total - most }))[key];
    },

    // Where an <img>, <video> or <a> finds a file: {url, isFresh}. With a token the URL has a ticket, and serves only
    // while `isFresh()`.
    async media(sha256) {
      const url = `${BASE}/assets/${sha256}`;
      if (!token) return { url, isFresh: () => true };
      const { given, isFresh } = freshTicket();
      return { url: `${url}${queryOf({ ticket: (await given).ticket })}`, isFresh };
    },

    // Listen to the events of a scope: `take(name, data)` for each, `status(word)` with "live", "waiting", "paused", or
    // at the end "locked": falmock wants a token, or another one. The stream is closed while the tab is hidden: a browser
    // has six connections for all tabs of an origin.
    events(name, { take, status }) {
      let last = 0;
      let closing = null;
      let stopped = false;
      let timer = 0;
      const open = async () => {
        clearTimeout(timer);
        if (stopped || document.hidden || closing) return;
        const controller = new AbortController();
        closing = controller;
        try {
          const query = queryOf({ scope: name, after: last || undefined });
          const answer = await fetch(`${BASE}/events${query}`, { headers: headers(), signal: controller.signal });
          if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => null));
          status("live");
          const read = parser(({ event, id, data }) => {
            if (event === "reset") last = 0;
            else if (id) last = id;
            take(event, JSON.parse(data));
          });
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
            if (closing === controller) read(piece.value);
          }
          if (closing === controller) status("waiting");
        } catch (error) {
          if (closing === controller && error.status === UNAUTHORIZED) {
            stop();
            return status("locked");
          }
          if (closing === controller) status("waiting", error);
        }
        if (closing !== controller) return;
        closing = null;
        if (!stopped && !document.hidden) timer = setTimeout(open, RETRY);
      };
      const close = () => {
        const controller = closing;
        closing = null;
        controller?.abort();
      };
      const changed = () => {
        if (!document.hidden) return open();
        close();
        status("paused");
      };
      const stop = () => {
        stopped = true;
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", changed);
        close();
      };
      document.addEventListener("visibilitychange", changed);
      changed();
      return stop;
    },
  };
}
