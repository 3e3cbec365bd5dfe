"""A dumper and an event log of mitmproxy, with falmock's filter against secrets, for tests."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mitmproxy import http
from mitmproxy import log
from mitmproxy.addons import dumper
from mitmproxy.test import taddons
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy import flows
from falmock.proxy.screens import terminal
from falmock.proxy.screens.terminal import Guard
from falmock.redaction.redactor import Redactor
from falmock.wire.hosts import Hosts
from unit.proxy.mitm import mitmproxy

KEY = "planted-id:planted-secret"


class Lines(log.MitmLogHandler):
    """A handler like mitmproxy's own, which keeps its lines."""

    def __init__(self) -> None:
        super().__init__()
        self._initiated_in_test = None  # or it would listen only while the fixture is made
        self.formatter = log.MitmFormatter(colorize=False)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Printed:
    """A dumper behind the guard, and what it prints."""

    def __init__(self, context: taddons.context, dumper_: dumper.Dumper, out: io.StringIO) -> None:
        self.context = context
        self.dumper = dumper_
        self._out = out
        self.redactor = Redactor()
        self.log = Lines()
        self.log.install()
        self.guard()

    def guard(self) -> None:
        """Install the guard as a load of the script does."""
        terminal.installed(
            Guard(lambda flow: flows.host_of(flow.request, Hosts()) is not None, lambda *_: False, self.redactor)
        )

    def __call__(self, flow: http.HTTPFlow, hook: str = "response", **options: Any) -> str:
        self._out.seek(0)
        self._out.truncate()
        self.context.configure(self.dumper, **options)
        getattr(self.dumper, hook)(flow)
        return self._out.getvalue()


@contextmanager
def printing() -> Iterator[Printed]:
    out = io.StringIO()
    made = dumper.Dumper(out)
    with mitmproxy(made) as context:
        printed = Printed(context, made, out)
        yield printed
        printed.log.uninstall()


def flow_to(host: str, body: bytes = b"", **headers: str) -> http.HTTPFlow:
    request = tutils.treq(
        host=host,
        authority=b"",
        path=b"/fal-ai/flux/dev?fal_jwt_token=planted-token",
        headers=http.Headers(authorization=f"Key {KEY}", x_note=KEY, accept="*/*", **headers),
        content=body,
    )
    answered = http.Headers(set_cookie="session=planted-cookie; Path=/", location="https://x.y/z?sig=planted-signature")
    return tflow.tflow(req=request, resp=tutils.tresp(headers=answered, content=body))
