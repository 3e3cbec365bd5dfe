"""The origin: a loopback server for the answers that mitmproxy cannot send by itself."""
