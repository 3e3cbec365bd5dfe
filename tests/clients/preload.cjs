// Node 20's fetch does not look at HTTPS_PROXY by itself: this is what makes it, for the unmodified clients.
const { EnvHttpProxyAgent, setGlobalDispatcher } = require("undici");

setGlobalDispatcher(new EnvHttpProxyAgent());
