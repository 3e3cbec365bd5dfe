"""In replay, an app observes the same answers as while recording."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.disk.walk import ASSETS
from falmock.recording.disk.writer import Writer
from falmock.recording.exchange import Exchange
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import Tell
from falmock.recording.outcome import carry_out
from falmock.wire.query import parameters
from unit.engine.calls import Client as EngineClient
from unit.recording.exchanges import exchange
from unit.recording.exchanges import recorder
from unit.recording.worlds import PNG
from unit.recording.worlds import Client
from unit.recording.worlds import Mock
from unit.recording.worlds import Real
from unit.recording.worlds import Step
from unit.recording.worlds import World

PACES: list[dict[str, Any]] = [
    {},
    {"pace": {"queued": 0.5, "running": 1.0, "positions": 3, "logs": ["one", "two"]}},
    {"pace": {"queued": 0.0, "running": 2.25, "logs": ["one"]}},
    {"pace": {"queued": 2.0, "running": 0.5, "positions": 2, "logs": []}},
]
FAILURES = (
    "missing",
    "policy",
    "too-small",
    "downstream",
    "generation-timeout",
    "500",
    "404",
    "418",
    "text",
    "timeout",
)
PLAIN = (
    "test/echo",
    "test/echo/sub",
    "test/numbers",
    "test/image",
    "test/image-to-image",
    "test/binary",
    "test/text",
    "test/html",
    "test/nothing",
    "test/llm",
    "test/no/such/path",
    "workflows/test/poster",
    "comfy/test/graph",
    "fal-ai/flux/dev",
    "test/refuse/bad-request",
    "test/refuse/internal",
    *(f"test/fail/{kind}" for kind in FAILURES),
)
QUEUED = (*PLAIN, "test/slow", "test/stubborn", "test/waiting", "test/endless", "test/fail/user-timeout")
NUMBER = st.integers(0, 9)
MAYBE_FILE = st.none() | NUMBER


def _step(verb: str, **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.just(verb), st.fixed_dictionaries(options))


def _upload(way: str, content: bytes, name: str) -> dict[str, Any]:
    """The same bytes always have the same type, because falmock's own URLs do not contain the type of the upload."""
    content_type = ("image/png", "text/plain", "application/x-odd")[sum(content) % 3]
    return {"way": way, "content": content, "name": name, "content_type": content_type}


INPUTS = st.builds(
    lambda prompt, pace, more: {"prompt": prompt, **pace, **more},
    st.sampled_from(["a cat", "A dog: größer", "猫 \U0001f408", 'say "$file"', ""]),
    st.sampled_from(PACES),
    st.sampled_from(
        [{}, {"num_images": 2}, {"sync_mode": True}, {"seed": 2**64 - 1, "scale": 1.5}, {"n": 1e22}, {"$ref": 1}]
    ),
)
VIDEOS = st.builds(lambda prompt: {"prompt": prompt, "bytes": 3000}, st.sampled_from(["a cat", "a dog"]))
STEPS = st.one_of(
    _step("run", endpoint=st.sampled_from([*PLAIN, "test/llm/stream"]), value=INPUTS, file=MAYBE_FILE),
    _step(
        "run", endpoint=st.sampled_from(["test/image-to-video", "fal-ai/kling-video/v1"]), value=VIDEOS, file=MAYBE_FILE
    ),
    _step("submit", endpoint=st.sampled_from(QUEUED), value=INPUTS, file=MAYBE_FILE, own=st.booleans()),
    _step("submit", endpoint=st.sampled_from(["test/image", "test/image-to-image"]), value=INPUTS, file=NUMBER),
    _step("submit", endpoint=st.just("test/image-to-video"), value=VIDEOS, file=NUMBER),
    _step(
        "get",
        endpoint=st.sampled_from(["test/echo", "test/text"]),
        query=st.sampled_from(["prompt=a+cat", "a=1&b=%C3%A9"]),
    ),
    _step("poll", job=NUMBER, logs=st.booleans()),
    _step("poll", job=NUMBER, logs=st.booleans()),
    _step("cancel", job=NUMBER),
    _step("abandon", job=NUMBER),
    _step("finish", job=NUMBER),
    _step("download", file=NUMBER),
    st.builds(
        lambda way, content, name: Step("upload", _upload(way, content, name)),
        st.sampled_from(["javascript", "javascript_parts", "fallback", "python", "python_parts"]),
        st.binary(min_size=2, max_size=8) | st.just(PNG),
        st.sampled_from(["cat.png", "my cat.png", "größe.txt", "x"]),
    ),
)
PROGRAMS = st.lists(STEPS, min_size=1, max_size=14)


class Tape:
    """Records into a folder as the addon does, but synchronously."""

    def __init__(self, folder: Path) -> None:
        known = FixtureLoader([str(folder)]).load().index.fixtures if folder.exists() else ()
        self.recorder = recorder()
        self.writer = Writer(str(folder), known)
        self.warnings: list[str] = []

    def observe(self, exchange: Exchange) -> None:
        self._carry_out(self.recorder.note(exchange))

    def end(self, client: Client, *, fetch: bool) -> None:
        """Fetch missing files, as the addon does at its end."""
        self._carry_out(self.recorder.finish())
        for url in self.writer.wanted() if fetch else ():
            assert client.send("GET", url).status == 200

    def _carry_out(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            carry_out(outcome, tell=self._tell, learn=lambda _: None, write=self._write)

    def _write(self, outcome: Save | Link) -> None:
        (written,) = self.writer.write([outcome])
        assert not isinstance(written, Exception), written

    def _tell(self, outcome: Tell) -> None:
        if outcome.level is Level.WARNING:
            self.warnings.append(outcome.text)


def record(world: World, program: list[Step], folder: Path, *, fetch: bool) -> list[tuple[str, Any]]:
    """What the app observed while it was recorded."""
    folder.mkdir(exist_ok=True)
    tape = Tape(folder)
    client = Client(world, tape.observe)
    seen = list(client.perform(program))
    tape.end(client, fetch=fetch)
    assert tape.warnings == [], tape.warnings
    return seen


@contextmanager
def real() -> Iterator[Real]:
    with pytest.MonkeyPatch.context() as patch:
        yield Real(patch)


def kept(folder: Path) -> dict[str, Any]:
    """All files of a folder, without what differs between two recordings of the same calls: times and their effects."""
    files: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and ASSETS in path.parts:
            files[name] = path.read_bytes()
        elif path.is_file():
            entries = [_timeless(entry) for entry in json.loads(path.read_bytes())["fixtures"]]
            while entries[-2:-1] == entries[-1:]:
                entries.pop()  # answers that differ in their times alone are not folded into one
            files[name] = entries
    return files


def _timeless(entry: dict[str, Any]) -> dict[str, Any]:
    times = ("started", "completed", "cancelled")
    queue = {key: value for key, value in entry.get("queue", {}).items() if key not in times}
    queue["logs"] = [{**log, "at": 0} for log in queue.get("logs", ())]
    # Which other places are seen depends on when a client that has several jobs comes round to this one.
    queue["positions"] = [place["position"] for place in queue.get("positions", ())][:1]
    return {**entry, "queue": queue, "recorded": None}


@settings(max_examples=120, report_multiple_bugs=False)
@given(program=PROGRAMS, fetch=st.booleans())
def test_what_was_recorded_is_met_again_and_recorded_again_as_it_was(program: list[Step], *, fetch: bool) -> None:
    with tempfile.TemporaryDirectory() as temporary, real() as world:
        first, second = Path(temporary, "first"), Path(temporary, "second")
        seen = record(world, program, first, fetch=fetch)
        assert record(Mock(first, world.content), program, second, fetch=fetch) == seen
        assert kept(second) == kept(first)


@settings(max_examples=60, report_multiple_bugs=False)
@given(PROGRAMS)
def test_recording_the_same_again_changes_nothing_but_when_it_was_recorded(program: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        before: dict[str, bytes] = {}
        for again in (False, True):
            with real() as world:
                record(world, program, Path(temporary), fetch=True)
            now = {path.relative_to(temporary).as_posix(): _undated(path) for path in Path(temporary).rglob("*.*")}
            assert not again or now == before
            before = now


def _undated(path: Path) -> bytes:
    if ASSETS in path.parts:
        return path.read_bytes()
    # Only what is in `recorded`: everything else is the same to the byte.
    return re.sub(rb'"recorded": \{[^}]*\}', b"", path.read_bytes())


# queries

_TEXT = st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(
    ["a", "$file", "%24", "é", "a b", "&", "=", "+"]
)
_PART = _TEXT.map(quote_plus) | st.sampled_from(["%FF", "%fe", "a", "tag", "[]"])
QUERY = st.lists(st.tuples(_PART, _PART).map("=".join) | _PART, max_size=5).map("&".join)


def _recorded(exchanges: list[Exchange]) -> list[dict[str, Any]]:
    tape = recorder()
    outcomes = [outcome for exchange in exchanges for outcome in tape.note(exchange)]
    assert all(isinstance(outcome, Save) for outcome in outcomes), outcomes
    return [outcome.entry for outcome in outcomes if isinstance(outcome, Save)]


@given(st.lists(QUERY, min_size=2, max_size=4, unique_by=lambda query: json.dumps(parameters(query), sort_keys=True)))
@pytest.mark.parametrize(
    "line", ["GET https://fal.run/a/b", "POST https://fal.run/a/b", "GET https://api.fal.ai/v1/models/pricing"]
)
def test_every_query_gets_its_own_recording_again(line: str, queries: list[str]) -> None:
    sent = {} if line.startswith("POST") else None
    *known, unknown = queries
    client = EngineClient(*_recorded([exchange(f"{line}?{query}", sent, {"for": query}) for query in known]))
    method, _, url = line.partition(" ")
    for query in known:
        assert json.loads(bytes(client.send(method, f"{url}?{query}", sent).body)) == {"for": query}
    if sent is None or all(map(parameters, known)):
        reply = client.send(method, f"{url}?{unknown}", sent)
        assert reply.fixture is None


@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run"])
def test_a_body_is_found_again_whatever_its_type(host: str) -> None:
    types = ["", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "application/json"]
    for recorded in types:
        for body in (b'{"prompt": "a cat"}', b"a=1&b=%20", b"[1, 2]", b"\xff\x00"):
            answer = {"request_id": "id-1"} if host.startswith("queue") else {"n": 1}
            asked = exchange(f"POST https://{host}/a/b", body, answer, asked={"content-type": recorded})
            result = exchange(f"GET https://{host}/a/b/requests/id-1", None, {"n": 1})
            client = EngineClient(*_recorded([asked, result] if host.startswith("queue") else [asked]))
            for replayed in types:
                assert client.send("POST", f"https://{host}/a/b", body, {"content-type": replayed}).status == 200
