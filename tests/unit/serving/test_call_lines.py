"""The lines of calls, as mitmdump prints flows."""

from __future__ import annotations

import asyncio
import io
from functools import partial

import pytest
from mitmproxy.utils import human

from falmock.edge import Client
from falmock.engine import replies
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.redaction.redactor import Redactor
from falmock.serving import call_lines
from falmock.serving.call_lines import CallLine
from falmock.serving.call_lines import CallLines
from falmock.serving.call_lines import CallOutput
from falmock.serving.call_lines import address
from falmock.serving.call_lines import line_of
from falmock.serving.call_lines import size_text
from falmock.serving.call_lines import styled
from falmock.serving.gate import Caller
from falmock.wire.message import Request
from unit.apps import app_of

QUEUE, URL = "https://queue.fal.run", "https://queue.fal.run/a/b"
CALL = CallLine("127.0.0.1:5000", "POST", QUEUE, "/a/b", 200, 1300, "a.json#0")


class Printed(CallLines):
    """Lines that are printed to a text."""

    def __init__(self, *, has_colors: bool = False) -> None:
        super().__init__(Redactor())
        self.file = io.StringIO()
        self._has_colors = has_colors

    def out(self) -> CallOutput:
        return CallOutput(self.file, self._has_colors)


def printed(*lines: CallLine, has_colors: bool = False, wait: bool = False) -> str:
    async def run() -> str:
        found = Printed(has_colors=has_colors)
        for line in lines:
            found.add(partial(CallLine, *line))
        if wait:
            await asyncio.sleep(3 * call_lines._GATHER)
        else:
            found.flush()
        found.flush()
        return found.file.getvalue()

    return asyncio.run(run())


def test_a_call() -> None:
    assert printed(CALL) == f"127.0.0.1:5000: POST {URL}\n             << 200 OK 1.3k (a.json#0)\n"


def test_colors() -> None:
    text = printed(CALL, has_colors=True)
    assert f"\x1b[35m\x1b[1mPOST\x1b[0m \x1b[1m{URL}\x1b[0m\n" in text
    assert "\x1b[32m\x1b[1m200 OK\x1b[0m \x1b[1m1.3k\x1b[0m (a.json#0)" in text
    assert styled("plain") == "plain"


def test_lines_are_printed_soon_in_their_order() -> None:
    lines = [CallLine("p", "GET", QUEUE, f"/a/b/{number}", 404, None, "miss") for number in range(3)]
    assert [line for line in printed(*lines, wait=True).splitlines() if "GET" in line] == [
        f"p: GET {URL}/{number}" for number in range(3)
    ]


def test_no_secrets_and_no_control_characters() -> None:
    text = printed(CallLine("p", "PUT", QUEUE, "/a/b?signature=0123456789abcdef&x=1", 200, 0, "two\nlines\x1b\x9b"))
    assert f"p: PUT {URL}?[hidden]\n" in text
    assert "two lines.." in text


def test_a_long_url_is_cut() -> None:
    assert "…\n" in printed(CallLine("p", "GET", QUEUE, "/x" * 200, 200, 0, "y"))


@pytest.mark.parametrize(
    "size", [0, 1, 999, 1023, 1024, 1300, 102_300, 102_400, 1_048_575, 5_000_000, 3 * 1024**3, 2 * 1024**4]
)
def test_sizes_are_written_as_mitmproxy_does(size: int) -> None:
    assert size_text(size) == human.pretty_size(size)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:10.0.0.1", "no-address"])
def test_addresses_are_written_as_mitmproxy_does(host: str) -> None:
    assert address(host, 80) == human.format_address((host, 80))


def request(host: str, headers: dict[str, str], peer: str = "") -> Request:
    return Request("GET", host, "/a", "x=1", headers, b"", peer=peer)


def test_the_line_of_a_call() -> None:
    caller = Caller("127.0.0.1", 5000)
    assert line_of(caller, request("fal.run", {}), Reply(200, (), b"abc", "made", fixture="f.json#0")) == CallLine(
        "127.0.0.1:5000", "GET", "https://fal.run", "/a?x=1", 200, 3, "f.json#0"
    )
    direct = line_of(
        caller, request("127.0.0.1", {"host": "127.0.0.1:8080"}, "127.0.0.1"), replies.problem(404, "t", "why")
    )
    assert (direct.origin, direct.path, direct.note) == ("http://127.0.0.1:8080", "/a?x=1", "why")
    assert line_of(caller, request("fal.run", {}), Reply(200, (), FileBody("f", 0, 9), "made")).size is None


@pytest.mark.parametrize(
    ("peer", "shown"),
    [("127.0.0.1", "127.0.0.1:9"), ("::1", "[::1]:9"), ("10.0.0.7", "[hidden]:9"), ("2001:db8::1", "[hidden]:9")],
)
def test_the_address_of_a_client_on_another_machine_is_hidden(peer: str, shown: str) -> None:
    assert line_of(Caller(peer, 9), request("fal.run", {}), Reply(200, (), b"", "made")).peer == shown


def test_a_line_that_is_made_later_keeps_no_large_body() -> None:
    caller, reply = Caller("127.0.0.1", 5000), Reply(200, (), b"abc", "made")
    for size in (10, 1_000_000):
        asked = request("fal.run", {})._replace(body=bytes(size))
        later = call_lines.line_later(caller, asked, reply)
        assert later() == line_of(caller, asked, reply)
        assert sum(map(len, (each.body for each in later.args if isinstance(each, Request)))) <= 10  # type: ignore[attr-defined]


def test_a_health_check_has_no_line() -> None:
    async def run() -> str:
        lines, caller, app = Printed(), Caller("127.0.0.1", 5000), app_of()
        asked = Request("GET", "127.0.0.1", "/ready", "", {"host": "127.0.0.1"}, b"", peer="127.0.0.1")
        for path in ("/ready", "/health", "/__falmock/health", "/__falmock/scopes"):
            asked = asked.with_path(path)
            reply = await app.answer(asked, Client(is_direct=True))
            assert isinstance(reply, Reply)
            lines.answered(caller, asked, reply)
        lines.flush()
        return lines.file.getvalue()

    assert [line.split("/", 3)[3] for line in asyncio.run(run()).splitlines() if "GET" in line] == ["__falmock/scopes"]


def test_lines_without_a_place_to_print() -> None:
    async def run() -> None:
        lines = CallLines(Redactor())
        lines.add(lambda: CALL)
        with pytest.raises(NotImplementedError):
            lines.flush()

    asyncio.run(run())


JOB, OTHER = "01a2b3c4-d5e6-7f00-8000-0123456789ab", "01a2b3c4-d5e6-7f00-8000-0123456789cd"


def about_job(job: str) -> CallLine:
    reply = Reply(200, ((replies.REQUEST_ID, job.encode()),), b"{}", "made", fixture="f.json#0")
    asked = Request("GET", "queue.fal.run", f"/a/b/requests/{job}/status", "logs=1", {}, b"")
    return line_of(Caller("127.0.0.1", 5000), asked, reply)


def test_lines_about_different_jobs_name_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    assert about_job(JOB).job == JOB
    text = printed(about_job(JOB), about_job(OTHER), about_job(JOB))
    assert [line.split("/")[6] for line in text.splitlines() if "GET" in line] == [JOB, OTHER, JOB]


def test_a_long_url_of_a_job_is_cut_within_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert f"{QUEUE}/a/b/requests/{JOB}"[:55] + "…\n" in printed(about_job(OTHER), about_job(JOB))


def test_a_request_id_that_the_answer_does_not_name_may_be_a_secret() -> None:
    asked = Request("GET", "queue.fal.run", f"/a/b/requests/{JOB}", "", {}, b"")
    assert not line_of(Caller(), asked, replies.queue_reply(404, {}, "unknown request id")).job
    assert not line_of(
        Caller(), asked._replace(path="/a/b"), Reply(200, ((replies.REQUEST_ID, JOB.encode()),), b"", "")
    ).job


def test_a_secret_that_is_learned_later_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    async def run() -> str:
        found = Printed()
        for secret in ("", JOB, "b/requests"):
            if secret:
                found._redactor.learn_value(secret)
            found.add(partial(about_job, JOB))
            found.flush()
        return found.file.getvalue()

    shown = [line.split(" ")[2] for line in asyncio.run(run()).splitlines() if "GET" in line]
    assert shown == [
        f"{QUEUE}/a/b/requests/{JOB}/status?logs=1",
        f"{QUEUE}/a/b/requests/[hidden]/status?logs=1",
        f"{QUEUE}/a/[hidden]/[hidden]/status?logs=1",
    ]


def test_lines_with_secrets_and_long_ones_are_not_kept() -> None:
    async def run() -> None:
        found = Printed()
        for path in ("/a?fal_jwt_token=0123456789abcdef", "/a" * 600, "/a/b"):
            found.add(partial(CALL._replace, path=path))
        found.flush()
        assert list(found._urls) == [URL]

    asyncio.run(run())


def test_only_so_many_lines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_lines, "_KEPT", 3)

    async def run() -> int:
        found = Printed()
        for number in range(5):
            found.add(partial(CALL._replace, path=f"/a/{number}", note=f"note {number}"))
        found.flush()
        assert len(found._answers) == 2
        return len(found._urls)

    assert asyncio.run(run()) == 2
