// Loaded by Bun at its start (BUN_OPTIONS=--preload). Its fetch uses the proxy by itself. Its node:http and node:https need a
// setting, which is made here: in the environment it would have Node.js 22 warn about an experimental feature. Its WebSocket takes
// a proxy as an option, which it gets for fal's hosts. The package `ws`, of which Bun has a copy of its own, cannot be helped.
'use strict';

if (process.versions.bun && process.env.FALMOCK_HOSTS) {
  process.env.NODE_USE_ENV_PROXY ??= '1';
  const names = process.env.FALMOCK_HOSTS.split(',').filter(Boolean);
  const isFals = (url) => {
    try {
      const name = new URL(url).hostname.toLowerCase().replace(/\.$/, '');
      return names.some((each) => (each[0] === '.' ? `.${name}`.endsWith(each) : name === each));
    } catch {
      return false;
    }
  };
  const marked = Symbol.for('falmock.preload');
  if (globalThis.WebSocket && !globalThis[marked]) {
    globalThis[marked] = true;
    globalThis.WebSocket = new Proxy(globalThis.WebSocket, {
      construct(real, [url, given, ...more], asked) {
        const proxy = process.env.HTTPS_PROXY || process.env.https_proxy;
        if (!proxy || !isFals(url)) return Reflect.construct(real, [url, given, ...more], asked);
        const hasProtocols = typeof given === 'string' || Array.isArray(given);
        const options = hasProtocols ? { protocols: given } : given;
        return Reflect.construct(real, [url, { proxy, ...options }, ...more], asked);
      },
    });
  }
}
