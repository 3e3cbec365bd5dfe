"""Recording at mitmproxy's edge: what listens to flows, and what is written of them."""
