"""What clients get from the fast lane is what they get from mitmproxy's flows, to the last header.

Not compared: ids and dates; the page with which mitmproxy refuses what it cannot read (`Server: mitmproxy`), but for its
status; a `Connection` header where flows have none, since whether the connection goes on is seen; `100 Continue` to a
client that did not wait for it. Never tried here: HTTP/2, which the lane does not speak, and clients that close their half
of a connection, which flows do not answer. The other known differences are in KNOWN.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import given
from hypothesis import settings

from clients import golden
from clients import running
from clients.golden import bodies
from clients.golden import varying
from clients.parity import faults
from clients.parity import odd
from clients.parity import random_requests
from clients.parity import wire
from clients.parity.odd import Odd
from clients.parity.player import PREFLIGHT
from clients.parity.player import RawPlayer
from clients.parity.player import without_way
from clients.parity.wire import Answer
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from falmock.fixtures.format import validate

ON, OFF = ("--set", "fal_fast=on"), ("--set", "fal_fast=off")
LAX = "mitmproxy reads it all the same"
STRICT = "mitmproxy refuses it, though it can be read in one way only"
KNOWN: dict[str, tuple[int, str]] = {
    "close in upper case": (200, "mitmproxy does not see `CLOSE`, and keeps the connection"),
    "a length with zeros": (200, STRICT),
    "an empty line before": (200, STRICT),
    "trailers": (200, "mitmproxy 11 has no trailers, and never answers"),
    "an absolute target of another host of fal's": (200, "the target says which host, flows take the Host header"),
    "chunks that end with LF": (400, "mitmproxy waits for more"),
    "a huge length": (400, "mitmproxy waits for it"),
    "chunked behind a vertical tab": (400, LAX),
    "a chunk size before a space": (400, LAX),
    "a bare CR in an extension": (400, LAX),
    "a bare CR in a value": (400, LAX),
    "a bare CR before a header": (400, LAX),
    "a bare LF": (400, LAX),
    "a folded header": (400, LAX),
    "a NUL in a value": (400, LAX),
    "a target with a NUL": (400, LAX),
    "a start line that ends with LF": (400, LAX),
    "a version with a space": (400, LAX),
    "a method in small letters": (501, LAX),
    "an unknown method": (501, "flows answer 405; httptools reads no method that it does not know"),
    "HTTP/0.9": (505, LAX),
    "HTTP/1.2": (400, LAX),
    "HTTP/2.0": (505, LAX),
    "no version": (505, "mitmproxy answers 400"),
    "an absolute target without a host": (200, "mitmproxy refuses it; here the tunnel says which host it is"),
    "CONNECT in a tunnel": (421, "mitmproxy answers 400, and takes its own mode for wrong"),
}
"""By the name of a request in `parity/odd.py`: the status in the lane, and why flows answer otherwise."""
KEPT = (200, 421)
"""After an answer of these, the connection goes on."""
_FILE = re.compile(r"(?<=/files/b/)[0-9a-f]{8}/[\w-]{20,}_|(?<=signature=)[0-9a-f]+")
"""The name of an uploaded file, which says how many there were before."""
CLOSED = ("close in upper case",)
"""But not after these requests."""


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixtures(tmp_path_factory.mktemp("parity") / "fixtures", *faults.FIXTURES)


@pytest.fixture(scope="module")
def flows(confdir: Path, fixtures: Path) -> Iterator[Mitmdump]:
    with mitmdump(confdir, *OFF, fixtures=fixtures) as mock:
        yield mock


@pytest.fixture(scope="module")
def lane(confdir: Path, fixtures: Path) -> Iterator[Mitmdump]:
    with mitmdump(confdir, *ON, fixtures=fixtures) as mock:
        yield mock
        assert "Traceback" not in mock.output


@pytest.fixture(scope="module")
def served(confdir: Path, fixtures: Path) -> Iterator[Mitmdump]:
    with running.serve(confdir, fixtures=fixtures) as mock:
        yield mock
        assert "Traceback" not in mock.output


# golden calls, and faults

WORLDS = {
    "polls": ["queue_polls"],
    "the official profile": ["aimock", "server_proxy_official"],
    **{name: [name] for name in ("aimock_dialect", "auth", "control", "fault_rules")},
}
"""Groups of golden calls that need options of their own."""
ALL = {group.folder.name: group for group in golden.groups()}
WORLDS["all others"] = sorted(ALL.keys() - {name for names in WORLDS.values() for name in names})


def played(mocks: list[Mitmdump], calls: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Each call, and its answers of each mock; all mocks play at the same time."""

    def play(mock: Mitmdump) -> list[dict[str, Any]]:
        player = RawPlayer(golden.Where(mock.proxy, mock.ca), mock=mock)
        return [player.play(call) for call in calls]

    with ThreadPoolExecutor(len(mocks)) as pool:
        yield from zip(calls, *pool.map(play, mocks), strict=True)


def closes(fault: Any) -> bool:
    """Whether fal's own connection ends after this fault: mitmproxy keeps that of its client if the answer seems whole."""
    return isinstance(fault, dict) and not fault.keys().isdisjoint(("truncate", "contentLength"))


@pytest.mark.parametrize("name", WORLDS)
def test_golden_calls(confdir: Path, name: str) -> None:
    groups = [ALL[each] for each in WORLDS[name]]
    options = [word for group in groups for word in group.options]
    options += [word for group in groups for word in ("--set", f"fal_fixtures={group.folder / 'fixtures'}")]
    calls = [call for group in groups for call in group.calls]
    with ExitStack() as stack:
        mocks = [stack.enter_context(mitmdump(confdir, *options, *way, cwd=groups[0].folder)) for way in (ON, OFF)]
        found = list(played(mocks, calls))
        assert "Traceback" not in mocks[0].output
    # Most are answered as in `golden`, where the fixtures of other groups are not there.
    expected = [bodies.dumps(call["answer"].get("status")) for call in calls]
    as_there = [status in str(mine["status"]) for status, (_, mine, _) in zip(expected, found, strict=True)]
    assert as_there.count(True) > 0.85 * len(calls)
    assert [each for each in found if each[1] != each[2] and not closes(fault_of(each[0]))] == []


def fault_of(call: dict[str, Any]) -> Any:
    """The fault that a golden call asks for."""
    lines = (line.partition(": ") for line in call.get("headers", ()))
    text = next((value for name, _, value in lines if name == "x-falmock-fault"), "")
    return json.loads(text) if text.startswith("{") and text.endswith("}") else text


def test_every_kind_of_fault_is_tried() -> None:
    assert validate.schema()["$defs"]["fault"]["properties"].keys() == faults.FAULTS.keys()


def test_faults(lane: Mitmdump, flows: Mitmdump) -> None:
    found = list(played([lane, flows], list(faults.calls())))
    for call, mine, theirs in found:
        if closes(call.get("fault")) and theirs.get("end") == "whole" and theirs.pop("goes on"):
            mine.pop("goes on")
    assert [each for each in found if each[1] != each[2]] == []


def timed(mock: Mitmdump, fault: Any, place: str) -> tuple[bool, bool]:
    """Whether the head of an answer is delayed, and its body."""
    method, _, url = place.partition(" ")
    host, _, path = url.removeprefix("https://").partition("/")
    lines = f"X-Falmock-Fault: {json.dumps(fault)}\r\nContent-Length: 0\r\n".encode()
    asked = odd.asked(host, f"/{path}".encode(), method, lines)
    with wire.connected(mock, host) as line:
        line.send(asked.data.replace(b"{host}", host.encode()))
        answer = line.answer(method)
    return answer.is_late, answer.is_slow


def test_what_takes_its_time(lane: Mitmdump, flows: Mitmdump) -> None:
    def all_timed(mock: Mitmdump) -> dict[str, tuple[bool, bool]]:
        with ThreadPoolExecutor(len(faults.TIMED)) as pool:
            return dict(
                zip(faults.TIMED, pool.map(lambda case: timed(mock, *case), faults.TIMED.values()), strict=True)
            )

    found = all_timed(lane), all_timed(flows)
    assert {name: times for name, times in found[0].items() if times == (False, False)}.keys() == faults.AT_ONCE
    assert found[0] == found[1]


# bytes


def plain(answer: Answer, mock: Mitmdump) -> Answer:
    """An answer less what differs from run to run, and less what is not compared."""

    def settled(text: str) -> str:
        return _FILE.sub("{file}", varying.settled(text)).replace(mock.proxy.removeprefix("http://"), "{here}")

    if answer.get("server").startswith("mitmproxy"):
        return Answer(answer.status)
    length = str(len(answer.body))
    kept = [line for line in answer.headers if not line.startswith("Connection: ")]
    headers = tuple(settled(line).replace(f"Content-Length: {length}", "Content-Length: right") for line in kept)
    body = without_way(settled(answer.body.decode("latin-1"))).encode("latin-1")
    return Answer(answer.status, headers, body, answer.end)


def answered(mock: Mitmdump, asked: Odd) -> tuple[Answer, bool]:
    """The answer, and whether the connection goes on behind it."""
    host = (asked.host or mock.proxy.removeprefix("http://")).encode()
    with wire.connected(mock, asked.host) as line:
        line.send(asked.data.replace(b"{host}", host))
        answer = line.answer(asked.method)
        line.send(PREFLIGHT % (b"/acme/plain", host))
        return plain(answer, mock), line.answer().status != ""


@pytest.mark.parametrize("name", [*odd.ALLOWED, *odd.REFUSED])
def test_odd_requests(lane: Mitmdump, served: Mitmdump, flows: Mitmdump, name: str) -> None:
    asked = {**odd.ALLOWED, **odd.REFUSED}[name]
    mine = answered(lane, asked)
    assert answered(served, asked) == mine
    if name in KNOWN:
        assert mine[0].status[9:12] == str(KNOWN[name][0])
        assert mine[1] is (KNOWN[name][0] in KEPT and name not in CLOSED)
        return
    theirs = answered(flows, asked)
    if theirs[0].headers:
        assert mine == theirs
    else:  # mitmproxy's own page, or nothing
        assert mine[0].status[9:12] in ("", "400")
        assert theirs[0].status in ("", mine[0].status)
        assert (mine[1], theirs[1]) == (False, False)


def test_requests_at_random(lane: Mitmdump, served: Mitmdump, flows: Mitmdump) -> None:
    def all_answers(mock: Mitmdump, case: random_requests.Requests, sizes: list[int]) -> list[Answer]:
        host = (case.host or mock.proxy.removeprefix("http://")).encode()
        with wire.connected(mock, case.host) as line:
            for each in case.requests:
                line.send(each.data.replace(b"{host}", host), iter(sizes))
            return [plain(line.answer(each.method), mock) for each in case.requests]

    @settings(max_examples=80, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(random_requests.REQUESTS)
    def are_same(case: random_requests.Requests) -> None:
        # mitmproxy takes what begins with a part of a line for raw TCP.
        theirs = all_answers(flows, case, [])
        assert all_answers(lane, case, case.sizes) == theirs
        assert all_answers(served, case, case.sizes) == theirs

    are_same()
