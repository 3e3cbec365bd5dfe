"""The doors: APIs at falmock's own address, for clients that call it directly and not as a proxy.

No I/O, no mitmproxy.
"""
