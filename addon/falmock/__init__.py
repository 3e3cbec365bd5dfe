"""falmock: the fal.ai inference API, mocked at the network layer by a mitmproxy addon.

The package is a pure core with thin edges (arrows point one way)::

    proxy -> engine -> fixtures -> wire

``wire`` knows what fal's API looks like, ``fixtures`` what was recorded and how a call finds it,
``engine`` decides, and ``proxy`` is the only part that knows mitmproxy, files and clocks.
"""

__version__ = "0.1.0"
