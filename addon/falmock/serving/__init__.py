"""HTTP and WebSocket served from effects, free of mitmproxy."""
