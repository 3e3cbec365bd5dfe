// Prints which of the hosts Node.js connects to with NODE_EXTRA_CA_CERTS: trusts.mjs CA PORT HOST..., all at loopback.
import { isIP } from "node:net";
import { connect } from "node:tls";

const [, port, ...hosts] = process.argv.slice(2);
for (const host of hosts) {
  const name = isIP(host) ? {} : { servername: host };
  await new Promise((done) => {
    const line = connect({ host: "127.0.0.1", port, ...name }, () => {
      console.log(host);
      line.end();
    });
    line.on("error", (error) => console.error(`${host}: ${error.message}`)).on("close", done);
    line.resume();
  });
}
