"""The lines of calls, as mitmdump prints flows."""

from __future__ import annotations

import asyncio
import io

import pytest
from mitmproxy.addons.dumper import Dumper

from falmock.proxy.lane import call_lines
from falmock.proxy.lane.call_lines import CallLine
from falmock.proxy.lane.call_lines import CallLines
from falmock.redaction.redactor import Redactor
from unit.proxy.mitm import mitmproxy

QUEUE, URL = "https://queue.fal.run", "https://queue.fal.run/a/b"


def printed(*lines: CallLine, detail: int = 1, wait: bool = False) -> str:
    async def run() -> str:
        out = io.StringIO()
        dumper = Dumper(out)
        with mitmproxy(dumper) as context:
            context.configure(dumper, flow_detail=detail)
            found = CallLines(Redactor())
            for line in lines:
                found.add(line)
            if wait:
                await asyncio.sleep(3 * call_lines._GATHER)
            else:
                found.flush()
            found.flush()
            return out.getvalue()

    return asyncio.run(run())


def test_a_call() -> None:
    assert printed(CallLine("127.0.0.1:5000", "POST", QUEUE, "/a/b", 200, 1300, "a.json#0")) == (
        f"127.0.0.1:5000: POST {URL}\n             << 200 OK 1.3k (a.json#0)\n"
    )


def test_lines_are_printed_soon_in_their_order() -> None:
    lines = [CallLine("p", "GET", QUEUE, f"/a/b/{number}", 404, None, "miss") for number in range(3)]
    assert [line for line in printed(*lines, wait=True).splitlines() if "GET" in line] == [
        f"p: GET {URL}/{number}" for number in range(3)
    ]


def test_no_secrets_and_no_control_characters() -> None:
    text = printed(CallLine("p", "PUT", QUEUE, "/a/b?signature=0123456789abcdef&x=1", 200, 0, "two\nlines\x1b"))
    assert f"p: PUT {URL}?[hidden]\n" in text
    assert "two lines" in text
    assert "\x1b" not in text


def test_a_long_url_is_cut() -> None:
    assert "…\n" in printed(CallLine("p", "GET", QUEUE, "/x" * 200, 200, 0, "y"))


@pytest.mark.parametrize("detail", [0])
def test_quiet(detail: int) -> None:
    assert printed(CallLine("p", "GET", QUEUE, "/a/b", 200, 0, "y"), detail=detail) == ""


def test_without_a_dumper() -> None:
    async def run() -> None:
        with mitmproxy():
            lines = CallLines(Redactor())
            lines.add(CallLine("p", "GET", QUEUE, "/a/b", 200, 0, "y"))
            lines.flush()

    asyncio.run(run())
