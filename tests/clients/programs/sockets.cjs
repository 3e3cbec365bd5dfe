// Opens connections to fal's hosts in many ways, in a Node.js with falmock's preload. Prints what came of each.
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');

const [proxy, other] = process.argv.slice(2);
const head = 'GET /acme/plain HTTP/1.1\r\nHost: fal.run\r\nConnection: close\r\n\r\n';

const read = (socket) =>
  new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (data) => (text += data));
    socket.on('end', () => resolve(text.split('\r\n')[0]));
    socket.on('error', reject);
    socket.write(head);
  });
const answer = (request, body) =>
  new Promise((resolve, reject) => {
    request.on('response', (response) => {
      let length = 0;
      response.on('data', (data) => (length += data.length));
      response.on('end', () => resolve([response.statusCode, length]));
    });
    request.on('error', reject);
    request.end(body);
  });
const failure = (work) => work.then(() => 'it worked', (error) => `${error.code ?? ''} ${error.message}`);

const acts = {
  'tls.connect(options)': () => read(tls.connect({ host: 'fal.run', port: 443 })),
  'tls.connect(port, host)': () => read(tls.connect(443, 'fal.run')),
  'tls.connect(port, host, options, callback)': () =>
    new Promise((resolve) => {
      const socket = tls.connect(443, 'fal.run', { ALPNProtocols: ['http/1.1'] }, () => resolve(socket.alpnProtocol));
    }).then(String),
  'an address, with the name for TLS': () => read(tls.connect({ host: '203.0.113.9', port: 443, servername: 'fal.run' })),
  'a name in capitals, with a dot': () => read(tls.connect({ host: 'FAL.run.', port: 443 })),
  'import from node:tls': async () => read((await import('node:tls')).connect({ host: 'fal.run', port: 443 })),
  'net.connect': () => read(net.connect(80, 'fal.run')),
  'net.createConnection, callback': () =>
    new Promise((resolve) => {
      const socket = net.createConnection({ host: 'fal.run', port: 80 }, () => resolve(read(socket)));
    }),
  'http.get': () => answer(http.get('http://fal.run/acme/plain')),
  'an agent that keeps connections': async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const results = [];
    for (let n = 0; n < 3; n++) results.push((await answer(https.request('https://fal.run/acme/plain', { agent })))[0]);
    agent.destroy();
    return results;
  },
  'a large body both ways': async () => {
    const body = Buffer.alloc(32 * 1024 * 1024, 'a');
    const headers = { authorization: 'Key a:b', 'content-type': 'application/json' };
    const initiate = https.request('https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3', { method: 'POST', headers });
    const begun = await new Promise((resolve, reject) => {
      initiate.on('response', async (response) => resolve(JSON.parse((await response.toArray()).join(''))));
      initiate.on('error', reject);
      initiate.end(JSON.stringify({ file_name: 'a.bin', content_type: 'application/octet-stream' }));
    });
    const put = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' } };
    const [status] = await answer(https.request(begun.upload_url, put), body);
    return [status, ...(await answer(https.get(begun.file_url)))];
  },
  'another scope': async () => {
    process.env.HTTPS_PROXY = proxy.replace('//', '//my%2Fscope:x@');
    const found = await answer(https.get({ host: 'fal.run', path: '/acme/plain', agent: new https.Agent() }));
    process.env.HTTPS_PROXY = proxy;
    return found[0];
  },
  'another host': () => answer(http.get(other)).then(([status]) => status),
  'a socket that is brought': () => failure(read(tls.connect({ socket: net.connect(1, '127.0.0.1'), host: 'fal.run' }))),
  'a proxy that is not there': () => {
    process.env.HTTPS_PROXY = 'http://me:secret@127.0.0.1:1';
    return failure(read(tls.connect(443, 'fal.run')));
  },
  'a proxy that refuses': () => {
    process.env.HTTPS_PROXY = other;
    return failure(read(tls.connect(443, 'fal.run')));
  },
  'no proxy': () => {
    delete process.env.HTTPS_PROXY;
    delete process.env.https_proxy;
    return failure(read(tls.connect({ host: 'fal.run', port: 443, lookup: (name, options, done) => done(new Error(`${name} is looked up`)) })));
  },
};

(async () => {
  const results = {};
  for (const [name, act] of Object.entries(acts)) results[name] = await act().catch((error) => `failed: ${error.stack}`);
  console.log(JSON.stringify(results));
  process.exit(0);
})();
