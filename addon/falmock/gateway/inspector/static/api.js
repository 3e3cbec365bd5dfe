// The control API as the page calls it: JSON, the stream of events, and the URLs of media.

const BASE = "/__falmock";
const TOKEN = "falmock-token";
const RETRY = 1000;
const TICKET_LEFT = 10;

export class ApiError extends Error {
  constructor(status, value) {
    const problems = (value?.problems ?? []).map(({ path, message }) => `${path}: ${message}`);
    super([value?.message ?? `The answer was ${status}`, ...problems].join("\n"));
    this.status = status;
  }
}

// Take the token from the fragment `#token=...` into this tab's storage, and remove it from the address.
export function takeToken(location, history, storage) {
  const found = /^#token=([^&]*)&?(.*)$/.exec(location.hash);
  if (!found) return;
  storage.setItem(TOKEN, decodeURIComponent(found[1]));
  history.replaceState(null, "", `${location.pathname}${location.search}#${found[2] || "/jobs"}`);
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

export function makeApi(scope, storage = sessionStorage) {
  const token = () => storage.getItem(TOKEN);
  const headers = (more) => ({ ...(token() ? { authorization: `Bearer ${token()}` } : {}), ...more });
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

  async function ticketed() {
    if (!ticket || ticket.expires - Date.now() / 1000 < TICKET_LEFT) ticket = await call("POST", "/assets/tickets");
    return ticket.ticket;
  }

  return {
    get: (path, query) => call("GET", path, undefined, query),
    send: call,

    // All items of a list, the last `most` of them.
    async list(path, key, query, most = 1000) {
      const first = await call("GET", path, undefined, { ...query, limit: most });
      if (first.total <= most) return first[key];
      return (await call("GET", path, undefined, { ...query, limit: most, offset: first.total - most }))[key];
    },

    // Where an <img>, <video> or <a> finds a file: a promise, since with a token the URL needs a ticket.
    async mediaUrl(sha256) {
      return `${BASE}/assets/${sha256}${token() ? queryOf({ ticket: await ticketed() }) : ""}`;
    },

    // Listen to the events of a scope: `take(name, data)` for each, `status(word)` with "live", "waiting" or "paused".
    // The stream is closed while the tab is hidden: a browser has six connections for all tabs of an origin.
    events(name, after, { take, status }) {
      let last = after;
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
      document.addEventListener("visibilitychange", changed);
      changed();
      return () => {
        stopped = true;
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", changed);
        close();
      };
    },
  };
}
