// The clients of Node.js, Bun and Deno. Each name in the arguments is a client that makes one call; prints how each went.
import { createRequire } from 'node:module';

const url = 'https://fal.run/acme/plain';
const socketUrl = 'wss://fal.run/acme/talks/realtime';
const headers = { 'content-type': 'application/json' };
const require = createRequire(import.meta.url);
const posting = { method: 'POST', headers, body: '{}' };

const viaRequest = (http, address) =>
  new Promise((resolve, reject) => {
    const request = http.request(address, { method: 'POST', headers }, (answer) => {
      let text = '';
      answer.on('data', (data) => (text += data));
      answer.on('end', () => resolve(JSON.parse(text)));
    });
    request.on('error', reject);
    request.end('{}');
  });

const talk = (socket) =>
  new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('{"prompt": "hi"}');
    socket.onmessage = (message) => {
      resolve(JSON.parse(message.data));
      socket.close();
    };
    socket.onerror = (event) => reject(event.error ?? new Error(event.message || 'the socket failed'));
    socket.onclose = () => reject(new Error('the socket was closed'));
  });

const clients = {
  fetch: async () => (await fetch(url, posting)).json(),
  https: async () => viaRequest((await import('node:https')).default, url),
  http: async () => viaRequest((await import('node:http')).default, url.replace('https', 'http')),
  axios: async () => (await require('axios').post(url, {})).data,
  got: async () => (await import('got')).default.post(url, { json: {}, retry: { limit: 0 } }).json(),
  undici: async () => (await require('undici').request(url, posting)).body.json(),
  ws: async () => talk(new (require('ws'))(socketUrl)),
  WebSocket: async () => talk(new WebSocket(socketUrl)),
  worker: async () => {
    const { Worker } = await import('node:worker_threads');
    const text = `fetch(${JSON.stringify(url)}, ${JSON.stringify(posting)}).then((answer) => answer.json()).then((answer) => require('node:worker_threads').parentPort.postMessage(answer))`;
    return new Promise((resolve, reject) => {
      const worker = new Worker(text, { eval: true });
      worker.on('message', resolve);
      worker.on('error', reject);
    });
  },
};

const causes = (error) => (error ? [error.message || error.code, ...causes(error.cause), ...(error.errors ?? []).flatMap(causes)] : []);
const outcome = async (name) => {
  try {
    return JSON.stringify(await clients[name]());
  } catch (error) {
    return `failed: ${causes(error).join(' <- ')}`;
  }
};

const results = {};
for (const name of process.argv.slice(2)) results[name] = await outcome(name);
console.log(JSON.stringify(results));
process.exit(0);
