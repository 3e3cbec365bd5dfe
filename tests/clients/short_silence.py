"""Has status streams send their keep-alive comment after a fifth of a second: a script of mitmproxy, for tests."""

from __future__ import annotations

from falmock.engine.jobs import keep_alive

keep_alive.EVERY = 0.2
