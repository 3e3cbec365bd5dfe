"""The direct doors: what clients ask that point at falmock itself, not through it at fal.

Pure: no I/O, no mitmproxy.
"""
