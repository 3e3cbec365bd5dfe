// What a browser needs: a proxy that says the scope of its calls, and a CA that it trusts.
"use strict";

const { X509Certificate, createHash } = require("node:crypto");
const net = require("node:net");
const { certificates } = require("./process.cjs");

const LONGEST_HEAD = 64 * 1024;

/**
 * A proxy on loopback that adds the scope to what falmock gets. A browser shows the user name of its proxy only to a proxy that asks
 * for it, which falmock does not, since other programs have none.
 */
class BrowserProxy {
  #server;
  #open = new Set();

  static async start(url, scope) {
    const made = new BrowserProxy();
    const { hostname, port } = new URL(url);
    const credentials = Buffer.from(`${scope}:x`).toString("base64");
    const line = scope ? `Proxy-Authorization: Basic ${credentials}\r\n` : "";
    made.#server = net.createServer((client) => made.#pass(client, net.connect(Number(port), hostname), line));
    await new Promise((resolve, reject) => made.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    made.url = `http://127.0.0.1:${made.#server.address().port}`;
    return made;
  }

  async stop() {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Passes a connection on. `line` is added to its first request, which for fal's hosts is the CONNECT of a tunnel. */
  #pass(client, server, line) {
    const both = [client, server];
    for (const [socket, other] of [both, both.toReversed()]) {
      this.#open.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => (this.#open.delete(socket), other.destroy()));
    }
    let head = Buffer.alloc(0);
    const read = (chunk) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n");
      if (end < 0 && head.length < LONGEST_HEAD) return;
      client.off("data", read);
      if (end < 0) return client.destroy();
      server.write(Buffer.concat([head.subarray(0, end + 2), Buffer.from(line), head.subarray(end + 2)]));
      client.pipe(server);
    };
    client.on("data", read);
    server.pipe(client);
  }
}

/** The CAs of a file as Chromium's option names them: base64 of the SHA-256 of each public key. */
function digestsOfKeys(file) {
  const keys = certificates(file).map((text) => new X509Certificate(text).publicKey.export({ type: "spki", format: "der" }));
  return keys.map((key) => createHash("sha256").update(key).digest("base64")).join(",");
}

module.exports = { BrowserProxy, digestsOfKeys };
