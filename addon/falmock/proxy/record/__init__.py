"""Recording at mitmproxy's edge: observes flows and writes fixtures."""
