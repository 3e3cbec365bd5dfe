// Loaded by Node.js at its start (NODE_OPTIONS=--require): connections to fal's hosts go through the proxy that HTTPS_PROXY
// names, whichever client opens them. Node.js before 22.21 has no setting for that, and the package `ws` uses none.
//
// It wraps what opens connections: tls.connect, and for plain HTTP net.connect and the agent of node:http. For a host of
// fal's they get a stream that has asked the proxy for a tunnel. Connections to all other hosts, and those for which a client
// brings a socket of its own, are opened as without this file. FALMOCK_HOSTS lists the hosts: `.fal.run` is the domain with
// all names below it.
'use strict';

const installed = Symbol.for('falmock.preload');

function install() {
  const http = require('node:http');
  const net = require('node:net');
  const tls = require('node:tls');
  const { Duplex } = require('node:stream');
  if (tls[installed]) return;

  const names = process.env.FALMOCK_HOSTS.split(',').filter(Boolean);
  const isFals = (host) => {
    if (typeof host !== 'string') return false;
    const name = host.toLowerCase().replace(/\.$/, '');
    return names.some((each) => (each[0] === '.' ? `.${name}`.endsWith(each) : name === each));
  };

  // The host to ask the proxy for; undefined if the connection is none of ours. A client that looks names up by itself
  // connects to an address, and names the host for TLS.
  const target = (options) => {
    if (options.socket || options.path || options.fd !== undefined) return undefined;
    if (isFals(options.host)) return options.host;
    return net.isIP(options.host || '') && isFals(options.servername) ? options.servername : undefined;
  };

  // The proxy as it is set now: a test may have changed the scope, which is its user name.
  const proxyNow = () => {
    const text = process.env.HTTPS_PROXY || process.env.https_proxy;
    try {
      const url = new URL(text);
      return url.protocol === 'http:' ? url : undefined;
    } catch {
      return undefined;
    }
  };

  const realNetConnect = net.connect;
  const realTlsConnect = tls.connect;
  const realCreateConnection = http.Agent.prototype.createConnection;

  // A connection to a host and port through a proxy. What is written before the tunnel is there waits.
  class Tunnel extends Duplex {
    constructor(proxy, host, port) {
      super();
      this.connecting = true;
      this.host = host;
      this.port = port;
      const address = proxy.hostname.replace(/^\[|\]$/g, '');
      this.line = realNetConnect({ host: address, port: Number(proxy.port || 80) });
      this.line.setNoDelay(true);
      this.line.once('connect', () => this.line.write(request(proxy, host, port)));
      this.line.on('error', (error) => this.destroy(this.connecting ? unreachable(error, proxy, host, port) : error));
      this.line.on('end', () => this.ended(proxy));
      this.line.on('close', () => this.destroy());
      this.readHead(proxy);
    }

    readHead(proxy) {
      let head = Buffer.alloc(0);
      const read = (data) => {
        head = Buffer.concat([head, data]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        this.line.removeListener('data', read);
        const status = head.toString('latin1', 0, head.indexOf('\r\n'));
        if (!/^HTTP\/1\.[01] 2/.test(status)) {
          const told = head.toString('utf8', end + 4).trim().slice(0, 300);
          this.destroy(new Error(`falmock: the proxy at ${proxy.host} refused a connection to ${this.host}:${this.port}: ${status}${told && `: ${told}`}`));
          return;
        }
        this.begin(head.subarray(end + 4));
      };
      this.line.on('data', read);
    }

    begin(first) {
      this.connecting = false;
      this.line.on('data', (data) => {
        if (!this.push(data)) this.line.pause();
      });
      if (first.length) this.push(first);
      this.emit('connect');
      this.emit('ready');
    }

    ended(proxy) {
      if (this.connecting) {
        this.destroy(new Error(`falmock: the proxy at ${proxy.host} closed the connection before it answered for ${this.host}:${this.port}`));
      } else {
        this.push(null);
      }
    }

    _write(data, encoding, done) {
      if (this.connecting) this.once('connect', () => this.line.write(data, encoding, done));
      else this.line.write(data, encoding, done);
    }

    _read() {
      if (!this.connecting) this.line.resume();
    }

    _final(done) {
      if (this.connecting) this.once('connect', () => this.line.end(done));
      else this.line.end(done);
    }

    _destroy(error, done) {
      this.line.destroy();
      done(error);
    }

    setTimeout(milliseconds, callback) {
      if (callback) this.once('timeout', callback);
      this.line.setTimeout(milliseconds, () => this.emit('timeout'));
      return this;
    }

    address() {
      return this.line.address();
    }
  }
  for (const name of ['setNoDelay', 'setKeepAlive', 'ref', 'unref']) {
    Tunnel.prototype[name] = function (...given) {
      this.line[name](...given);
      return this;
    };
  }
  for (const name of ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort', 'bytesRead', 'bytesWritten']) {
    Object.defineProperty(Tunnel.prototype, name, {
      get() {
        return this.line[name];
      },
    });
  }

  // The arguments of net.connect and tls.connect, which come in several forms, as options and a callback.
  const read = (given) => {
    const callback = typeof given.at(-1) === 'function' ? given.at(-1) : undefined;
    const options = {};
    given.forEach((each, place) => {
      if (each !== null && typeof each === 'object') Object.assign(options, each);
      else if (typeof each === 'number' || (place === 0 && /^\d+$/.test(each))) options.port = Number(each);
      else if (typeof each === 'string') options[place === 0 ? 'path' : 'host'] = each;
    });
    return [options, callback];
  };

  tls.connect = function connect(...given) {
    const [options, callback] = read(given);
    const host = target(options);
    const proxy = host && proxyNow();
    if (!proxy) return realTlsConnect.apply(this, given);
    const socket = new Tunnel(proxy, host, options.port || 443);
    const secure = realTlsConnect.call(this, { ...options, socket, servername: options.servername || host }, callback);
    // TLS over a stream does not pass these on, and an idle connection would keep the process alive.
    for (const name of ['ref', 'unref']) {
      secure[name] = () => {
        socket[name]();
        return secure;
      };
    }
    return secure;
  };

  const plain = (real) =>
    function connect(...given) {
      const [options, callback] = read(given);
      const host = target({ ...options, servername: undefined });
      const proxy = host && proxyNow();
      if (!proxy) return real.apply(this, given);
      const socket = new Tunnel(proxy, host, options.port || 80);
      if (callback) socket.once('connect', callback);
      return socket;
    };
  net.connect = net.createConnection = plain(realNetConnect);
  // http's agent reads the path of a request in `path`, and has the one of a Unix socket in `socketPath`.
  http.Agent.prototype.createConnection = function createConnection(options, ...more) {
    const isOurs = target({ ...options, path: options.socketPath, servername: undefined }) !== undefined;
    if (!isOurs) return realCreateConnection.call(this, options, ...more);
    return net.connect({ host: options.host, port: options.port });
  };
  Object.defineProperty(tls, installed, { value: true });
  require('node:module').syncBuiltinESMExports?.();
}

function request(proxy, host, port) {
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = proxy.username ? `Proxy-Authorization: Basic ${Buffer.from(user).toString('base64')}\r\n` : '';
  return `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n${authorization}\r\n`;
}

function unreachable(cause, proxy, host, port) {
  const text = `falmock: ${host}:${port} cannot be reached, because the proxy that HTTPS_PROXY names (${proxy.host}) cannot: ${cause.code || cause.message}. Is falmock running?`;
  return Object.assign(new Error(text, { cause }), { code: cause.code, errno: cause.errno, syscall: cause.syscall });
}

if (process.env.FALMOCK_HOSTS && !process.versions.bun) install(); // for Bun there is bun.cjs
