"""The lines of calls, where mitmdump prints flows."""

from __future__ import annotations

import asyncio
import io
from functools import partial

import pytest
from mitmproxy.addons.dumper import Dumper

from falmock.proxy.lane.call_lines import MitmdumpLines
from falmock.redaction.redactor import Redactor
from falmock.serving.call_lines import CallLine
from unit.proxy.mitm import mitmproxy

QUEUE, URL = "https://queue.fal.run", "https://queue.fal.run/a/b"


def printed(*lines: CallLine, detail: int = 1) -> str:
    async def run() -> str:
        out = io.StringIO()
        dumper = Dumper(out)
        with mitmproxy(dumper) as context:
            context.configure(dumper, flow_detail=detail)
            found = MitmdumpLines(Redactor())
            for line in lines:
                found.add(partial(CallLine, *line))
            found.flush()
            return out.getvalue()

    return asyncio.run(run())


def test_a_call() -> None:
    assert printed(CallLine("127.0.0.1:5000", "POST", QUEUE, "/a/b", 200, 1300, "a.json#0")) == (
        f"127.0.0.1:5000: POST {URL}\n             << 200 OK 1.3k (a.json#0)\n"
    )


@pytest.mark.parametrize("detail", [0])
def test_quiet(detail: int) -> None:
    assert printed(CallLine("p", "GET", QUEUE, "/a/b", 200, 0, "y"), detail=detail) == ""


def test_without_a_dumper() -> None:
    async def run() -> None:
        with mitmproxy():
            lines = MitmdumpLines(Redactor())
            lines.add(lambda: CallLine("p", "GET", QUEUE, "/a/b", 200, 0, "y"))
            lines.flush()

    asyncio.run(run())
