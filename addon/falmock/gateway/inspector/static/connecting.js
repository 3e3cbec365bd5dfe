// The lines that make a program's calls come here, for each kind of program. Pure.

const PLAIN = /^[\w./:@,=+-]+$/;

// A word of a shell's command line.
export const word = (text) => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// The proxy's URL with the scope as its user, as a client sends it.
export function scoped(proxy, scope) {
  return scope ? proxy.replace("://", `://${encodeURIComponent(scope)}:x@`) : proxy;
}

const folder = (path) => path.replace(/[\\/][^\\/]*$/, "");

function environment({ proxy, ca, scope }) {
  const options = ["--url", word(proxy)];
  if (ca) options.push("--confdir", word(folder(ca)));
  if (scope) options.push("--scope", word(scope));
  return `eval "$(falmock env ${options.join(" ")})"`;
}

const PAGE = "const page = await browser.newPage({ ignoreHTTPSErrors: true });";
const CALL = `curl https://fal.run/fal-ai/flux/dev -H 'content-type: application/json' -d '{"prompt": "a cat"}'`;

// The ways to connect: [{name, lines, note}]. `proxy` is a URL, `ca` the path of the CA's certificate or null.
export function ways({ proxy, ca, scope = "" }) {
  const env = environment({ proxy, ca, scope });
  const through = scoped(proxy, scope);
  const trust = ca ?? "THE-CA.pem";
  const file = word(trust);
  const server = scope
    ? `proxy: { server: "${proxy}", username: ${JSON.stringify(scope)}, password: "x" }`
    : `proxy: { server: "${proxy}" }`;
  return [
    {
      name: "Shell",
      lines: [env, "npm test"],
      note: "It sets the proxy, the CA and a made-up key for all that this shell starts, in any language.",
    },
    {
      name: "Python",
      lines: [env, "python your_app.py"],
      note: `For fal_client, httpx, requests, urllib and aiohttp. By hand: HTTPS_PROXY=${through} and SSL_CERT_FILE=${trust}`,
    },
    {
      name: "Node.js",
      lines: [env, "node your_app.mjs"],
      note: "fetch reads no proxy by itself: falmock env sets a preload in NODE_OPTIONS. Bun and Deno are set up too.",
    },
    {
      name: "curl",
      lines: [`export HTTPS_PROXY=${word(through)} CURL_CA_BUNDLE=${file}`, CALL],
      note: "No key is needed, unless fal_auth asks for one.",
    },
    {
      name: "Chromium",
      lines: [
        `mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n falmock -i ${file}`,
        `chromium --proxy-server=${word(proxy)}`,
      ],
      note: "A browser reads no environment: it trusts the CA in its own store. Its calls are in the default scope.",
    },
    {
      name: "Playwright",
      lines: [`const browser = await chromium.launch({ ${server} });`, PAGE],
      note: "ignoreHTTPSErrors takes falmock's certificate without the CA in the browser's store. For tests only.",
    },
    {
      name: "One command",
      lines: ["falmock run --inspect -- npm test"],
      note: "It starts a falmock of its own, sets all that the command needs, and opens this page for it.",
    },
  ];
}
