"""The fast lane: connections that falmock answers below mitmproxy's HTTP layers."""
