"""Fixture files that are nearly valid: refused with the file and the path of each problem, or loaded, and then they answer."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from falmock.engine.effects import Socket
from falmock.fixtures.format import codec
from falmock.fixtures.format import sidecars
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Fixture
from fuzz.apps import Caller
from fuzz.apps import app
from fuzz.apps import converse
from fuzz.harness import clock
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.strategies import json_texts
from fuzz.strategies.mutation import mutated
from unit.fixtures import build
from unit.fixtures import mutate

_WORDS = (b"1e999", b"null", b"{}", b"[]", b'""', b"-1", b'"\\ud800"', b'{"$any":true}', b'"$regex":"("', b"\xff")
_RAW = mutate.DOCUMENTS.map(mutate.raw)
CASES = st.tuples(
    st.sampled_from(["fixtures"] * 8 + ["schema", "prices"]), _RAW | mutated(_RAW, _WORDS, 3) | json_texts.RAW
)
_MOST = 20
"""How many problems are looked at."""


def check(case: tuple[str, bytes]) -> None:
    kind, raw = case
    if kind != "fixtures":
        read = sidecars.read_prices(raw, "f.json") if kind == "prices" else sidecars.read_schema(raw, "f.json", "a/b")
        _check_problems(read.problems)
        return
    decoded = codec.decode(raw, "f.json", build.find_asset)
    _check_problems(decoded.problems)
    if not decoded.problems:
        run(_answers(decoded.fixtures, Index(decoded.fixtures, decoded.assets)))


def _check_problems(problems: list[Any]) -> None:
    for problem in problems[:_MOST]:
        assert problem.file == "f.json"
        assert problem.message
        assert not problem.path or problem.path.startswith(("$", "line"))
        assert len(str(problem)) < 8000


async def _answers(fixtures: list[Fixture], index: Index) -> None:
    """Each fixture is asked for: what it has can be sent."""
    caller = Caller(app(index=index))
    for fixture in fixtures:
        match = fixture.match
        model = (match.model or "a/b").replace("*", "x")
        value = match.input if isinstance(match.input, dict) else {"prompt": "a cat"}
        body = json.dumps(value, default=str).encode()
        upgrade = {"upgrade": "websocket", "connection": "upgrade"}
        for method, host, path, headers in (
            ("POST", "fal.run", f"/{model}", {}),
            ("POST", "queue.fal.run", f"/{model}", {}),
            ("GET", "queue.fal.run", f"/{model}/requests/{caller.job}/status", {}),
            ("GET", "queue.fal.run", f"/{model}/requests/{caller.job}/status/stream", {}),
            ("GET", "queue.fal.run", f"/{model}/requests/{caller.job}", {}),
            ("POST", "fal.run", f"/{model}/stream", {}),
            ("GET", "fal.run", f"/{model}/realtime", upgrade),
            (match.method or "GET", match.host or "api.fal.ai", match.path or "/v1/x", {}),
        ):
            content = body if method == "POST" else b""
            typed = {"content-type": "application/json", **headers}
            answer = await caller.call(method, host, path.replace("{job}", caller.job), "", typed, content)
            check_answer(answer, faulty=True)
            if isinstance(answer, Socket):
                converse(answer, [body.decode()], clock())
    caller.app.stop()
