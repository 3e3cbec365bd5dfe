"""The origin: a server on loopback that plays what mitmproxy cannot send by itself."""
