"""Upstream failures while recording: the app gets what it would get without falmock, and no partial file is written."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import upstream
from clients.upstream.troubles import KINDS

PATIENCE = 1.5
"""Seconds until the app gives up."""
ARRIVES = ("drip", "short-length")
"""Troubles that an answer survives: in pieces; with the length that was told, which is less than all."""


@contextmanager
def bare(confdir: Path, fal: Upstream, folder: Path, *args: str) -> Iterator[Mitmdump]:
    """A mitmdump without falmock."""
    observed = ("--set", f"observer_file={folder / 'flows.jsonl'}")
    options = ("--listen-host", "127.0.0.1", "-p", "0", *observed, *fal.arguments, *args)
    mock = running.start(confdir, *options, addon=CLIENTS / "observer.py")
    try:
        mock.wait_until(lambda: bool(mock.ports), running.START_SECONDS)
        yield mock
    finally:
        running.stop(mock)


def attempt(mock: Mitmdump, method: str, url: str, **more: Any) -> Any:
    """What an app sees of an answer: all of it, or how it broke off and after how much."""
    with tape.client(mock, timeout=PATIENCE) as app:
        got = b""
        try:
            with app.stream(method, url, **more) as answer:
                for piece in answer.iter_raw():
                    got += piece
                return "whole", answer.status_code, answer.headers.get("content-type"), _less_reason(got)
        except httpx.TimeoutException:
            return "it gave up", len(got)
        except httpx.TransportError as error:
            return type(error).__name__, len(got)


def _less_reason(got: bytes) -> bytes:
    """A page of mitmproxy's own words a library's error, which tells more than there is to compare."""
    return b"502" if b"502 Bad Gateway" in got else got


def seen_through(mock: Mitmdump, fal: Upstream, files: dict[str, str]) -> dict[str, Any]:
    """What an app sees of each trouble, all at the same time."""
    fal.pace = Pace()

    def run(kind: str) -> Any:
        return attempt(mock, "POST", f"https://fal.run/test/trouble/{kind}", json={"seed": 1})

    def job(kind: str) -> Any:
        with tape.client(mock) as app:
            url = tape.submit(app, f"test/trouble/{kind}", {"seed": 2})
        return attempt(mock, "GET", url)

    def download(kind: str) -> Any:
        return attempt(mock, "GET", files[kind])

    with ThreadPoolExecutor(12) as pool:
        asked = [(act, kind) for act in (run, job, download) for kind in KINDS]
        results = pool.map(lambda pair: pair[0](pair[1]), asked)
        return {f"{act.__name__} {kind}": result for (act, kind), result in zip(asked, results, strict=True)}


class Rounds:
    """What was seen with falmock and without, and what was recorded."""

    def __init__(self, folder: Path, ours: dict[str, Any], theirs: dict[str, Any], output: str) -> None:
        self.folder = folder
        self.ours = ours
        self.theirs = theirs
        self.output = output


@pytest.fixture(scope="module")
def rounds(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    folder = tmp_path_factory.mktemp("trouble")
    with upstream() as fal:
        files = {kind: fal.files.keep(bytes(range(256)) * 40, "image/png") for kind in KINDS}
        for kind, url in files.items():
            fal.trouble(f"GET v3b.fal.media{httpx.URL(url).path}", kind)
        with recording(confdir, fal, folder / "fixtures") as mock:
            ours = seen_through(mock, fal, files)
        with (
            bare(confdir, fal, folder) as plain,
            bare(confdir, fal, folder, "--set", "stream_large_bodies=1") as streams,
        ):
            theirs = seen_through(plain, fal, files)
            # Files stream through falmock, as mitmproxy can be told to let them.
            theirs |= {name: seen for name, seen in seen_through(streams, fal, files).items() if "download" in name}
        yield Rounds(folder / "fixtures", ours, theirs, mock.output)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("act", ["run", "job", "download"])
def test_the_app_sees_what_it_would_see(rounds: Rounds, act: str, kind: str) -> None:
    assert rounds.ours[f"{act} {kind}"] == rounds.theirs[f"{act} {kind}"]


def test_there_was_trouble(rounds: Rounds) -> None:
    """Lest nothing is compared with nothing."""
    good = {name for name, seen in rounds.ours.items() if seen[0] == "whole" and seen[1] == 200}
    assert good == {f"{act} {kind}" for act in ("run", "job", "download") for kind in ARRIVES}
    assert rounds.ours["run hang"] == ("it gave up", 0)
    assert rounds.ours["download hang-body"] == ("it gave up", 5120)


def test_nothing_half_is_written(rounds: Rounds) -> None:
    tape.whole(rounds.folder)
    models = sorted(entry["match"]["model"] for entry in tape.entries(rounds.folder) if "model" in entry["match"])
    assert models == sorted(f"test/trouble/{kind}" for kind in ARRIVES for _ in ("run", "job"))
    assert "Traceback" not in rounds.output
    assert rounds.output.count("is not recorded: its result was never fetched") == len(KINDS) - len(ARRIVES)


def test_what_is_written_replays(confdir: Path, rounds: Rounds) -> None:
    with mitmdump(confdir, fixtures=rounds.folder) as mock:
        for kind in ARRIVES:
            seen = attempt(mock, "POST", f"https://fal.run/test/trouble/{kind}", json={"seed": 1})
            assert seen == rounds.ours[f"run {kind}"]
