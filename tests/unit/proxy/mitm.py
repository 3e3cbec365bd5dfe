"""A mitmproxy for tests of addons, without a proxy."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mitmproxy.options import Options
from mitmproxy.test import taddons
from mitmproxy.tools.dump import DumpMaster


@contextmanager
def mitmproxy(*addons: Any) -> Iterator[taddons.context]:
    """mitmproxy's own context for tests; here it also closes the event loop that it makes."""
    with taddons.context(*addons) as context:
        try:
            yield context
        finally:
            if not context.master.event_loop.is_running():
                context.master.event_loop.close()


@contextmanager
def mitmdump(kind: type[Any] = DumpMaster, **options: Any) -> Iterator[Any]:
    """A mitmdump (or another program of mitmproxy's) that does not run; its handlers of log lines are removed at the end."""
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        yield kind(Options(**options), with_termlog=False)
    finally:
        root.handlers[:] = before
