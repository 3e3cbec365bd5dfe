// Times, sizes, money and commands as people read them. Pure.

const UNITS = ["B", "KB", "MB", "GB"];

// Bytes: "0 B", "1.4 MB".
export function size(bytes) {
  if (bytes === null || bytes === undefined) return "";
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < UNITS.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

// Seconds that something took: "0 ms", "1.25 s", "2 min 5 s", "3 h".
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.9995) return `${Math.round(Math.max(seconds, 0) * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const parts = hours
    ? [`${hours} h`, minutes && `${minutes} min`]
    : [`${minutes} min`, whole % 60 && `${whole % 60} s`];
  return parts.filter(Boolean).join(" ");
}

// How long ago, coarsely: "now", "12 s ago", "5 min ago", "2 h ago", "3 d ago".
export function ago(at, now) {
  const seconds = Math.max(now - at, 0);
  if (seconds < 2) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86400)} d ago`;
}

const two = (value) => String(value).padStart(2, "0");

// The wall time of this machine, "14:03:09.250".
export function wall(at) {
  const time = new Date(at * 1000);
  const millis = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${millis}`;
}

// A day and a time, "2026-11-28 14:03".
export function day(at) {
  const time = new Date(at * 1000);
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

const money = (amount, currency) => {
  const digits = amount >= 0.1 || amount === 0 ? 2 : Math.min(2 - Math.floor(Math.log10(amount)), 8);
  const text = amount.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, "$1");
  return currency === "USD" ? `$${text}` : `${text} ${currency}`;
};

// "would have cost $0.04", or "" if that is not known.
export const cost = (value) => (value ? `would have cost ${money(value.amount, value.currency)}` : "");

// "$0.04", for a column whose heading says what it means.
export const price = (value) => (value ? money(value.amount, value.currency) : "");

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// The command that makes a call again through the proxy.
export function curl(call, input, proxy) {
  const parts = ["curl"];
  if (call.door) parts.push(quoted(`${proxy}${call.path}`));
  else parts.push(quoted(`https://${call.host}${call.path}`), "--proxy", quoted(proxy));
  if (call.method !== "GET" && !(call.method === "POST" && input)) parts.push("-X", call.method);
  if (!call.door) parts.push("-H", quoted("authorization: Key mock:key"));
  if (input !== null && input !== undefined && call.method !== "GET") {
    parts.push("-H", quoted("content-type: application/json"), "-d", quoted(JSON.stringify(input)));
  }
  return parts.join(" ");
}

// A short name for an id: its last eight characters, since ids of one minute begin alike.
export const short = (id) => (id ? id.slice(-8) : "");

// The file of a fixture without what all of them have: "./fixtures/fal-ai/x.json#0" is "fal-ai/x.json#0".
export const fixture = (id) => (id ?? "").replace(/^.*?fixtures\//, "");
