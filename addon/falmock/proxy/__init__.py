"""The mitmproxy edge: options, flows, the egress veto, DNS. The only package that imports mitmproxy."""
