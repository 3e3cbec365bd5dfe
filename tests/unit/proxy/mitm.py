"""A mitmproxy for tests of addons, without a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mitmproxy.test import taddons


@contextmanager
def mitmproxy(*addons: Any) -> Iterator[taddons.context]:
    """mitmproxy's own context for tests; here it also closes the event loop that it makes."""
    with taddons.context(*addons) as context:
        try:
            yield context
        finally:
            if not context.master.event_loop.is_running():
                context.master.event_loop.close()
