"""Faults, in files and in headers: refused with a reason, or applied to any call without an error of ours."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from falmock.engine.effects import Socket
from falmock.fixtures.fault import Rule
from falmock.fixtures.format import fault_rules
from falmock.wire.error_table import ERRORS
from fuzz.apps import Caller
from fuzz.apps import app
from fuzz.apps import converse
from fuzz.harness import clock
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.strategies import json_texts
from fuzz.strategies.mutation import mutated
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import as_header
from fuzz.strategies.texts import utf8
from unit.engine.calls import index_of

_NUMBERS = st.sampled_from([0, 1, 2, 5, -1, 0.5, 1.0, 1e6, 1e300, 10**30]) | json_texts.NUMBERS
_NAMES = st.sampled_from(sorted(ERRORS)) | TEXTS
_PARTS: dict[str, st.SearchStrategy[Any]] = {
    "error": _NAMES
    | st.fixed_dictionaries(
        {"name": _NAMES},
        optional={"message": TEXTS, "ctx": json_texts.VALUES, "status": _NUMBERS, "input": json_texts.VALUES},
    ),
    "latency": _NUMBERS
    | st.fixed_dictionaries({"uniform": st.lists(_NUMBERS, max_size=3)})
    | st.fixed_dictionaries({"lognormal": st.fixed_dictionaries({"median": _NUMBERS, "sigma": _NUMBERS})}),
    "firstByte": _NUMBERS,
    "drip": st.fixed_dictionaries({"bytes": _NUMBERS, "every": _NUMBERS}),
    "truncate": _NUMBERS | st.sampled_from(["50%", "0%", "100%", "101%", "x"]),
    "reset": st.sampled_from(["before-headers", "after-headers", "x"]),
    "body": st.sampled_from(["malformed-json", "empty", "html", ""]),
    "contentType": TEXTS,
    "contentLength": _NUMBERS | st.sampled_from(["+10", "-10", "-999999999999", "x"]),
    "job": st.sampled_from(["stuck-in-queue", "stuck-in-progress", "fails-late", "loses-result", "retried"])
    | st.fixed_dictionaries({"kind": st.just("retried"), "times": _NUMBERS}),
    "webhook": st.sampled_from(["late", "twice", "out-of-order", "bad-signature", "never"]),
    "socket": st.fixed_dictionaries(
        {},
        optional={
            "close": _NUMBERS | st.sampled_from([1000, 1006, 1011, 4000]),
            "reason": TEXTS,
            "after": _NUMBERS,
            "reset": st.booleans(),
            "idle": _NUMBERS,
            "midFrame": st.booleans(),
        },
    ),
    "stream": st.fixed_dictionaries({"after": _NUMBERS}, optional={"cut": st.booleans(), "reset": st.booleans()}),
    "rate": _NUMBERS,
    "seed": _NUMBERS | TEXTS,
    "nth": _NUMBERS | st.lists(_NUMBERS, max_size=3),
    "times": _NUMBERS,
    "other": json_texts.VALUES,
}


@st.composite
def _some(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(sorted(_PARTS)), max_size=3, unique=True))
    return {name: draw(_PARTS[name]) for name in names}


_FAULTS = _NAMES | _some()
_MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["a/*", "*", "["]) | TEXTS,
        "calls": st.lists(st.sampled_from(["run", "submit", "status", "socket", "stream", "x"]), max_size=2),
        "input": json_texts.OBJECTS,
        "headers": st.dictionaries(TEXTS, TEXTS, max_size=1),
        "host": TEXTS,
    },
)
_RULES = st.fixed_dictionaries({"fault": _FAULTS}, optional={"match": _MATCHES})
_FILES = st.fixed_dictionaries(
    {"faults": st.lists(_RULES, max_size=3)}, optional={"seed": _NUMBERS | TEXTS, "$schema": TEXTS}
)
_JSON = _FILES.map(json.dumps).map(str.encode)
_TOML = (
    st.lists(_NAMES.map(lambda name: f"[[faults]]\nfault = {json.dumps(name)}\n"), max_size=3)
    .map("".join)
    .map(utf8)
    .map(lambda raw: b"seed = 1\n" + raw)
)
CASES = st.one_of(
    st.tuples(st.just("f.json"), _JSON | mutated(_JSON, (b"1e999", b"null")) | json_texts.RAW),
    st.tuples(st.just("f.toml"), mutated(_TOML, (b"[[faults]]", b"inf", b"nan", b"1979-05-27", b"=", b"'''"))),
    st.tuples(
        st.just("header"), (_FAULTS.map(lambda fault: fault if isinstance(fault, str) else json.dumps(fault))).map(utf8)
    ),
)
_INDEX = index_of(
    {"match": {"model": "a/b/stream"}, "stream": [{"json": {"a": 1}}, {"json": {"a": 2}}]},
    {"match": {}, "response": {"json": {"images": []}}},
)


def check(case: tuple[str, bytes]) -> None:
    kind, raw = case
    if kind == "header":
        run(_calls((), as_header(raw.decode("utf-8", "replace"))))
        return
    read = fault_rules.read_rules(raw, kind)
    for problem in read.problems:
        assert problem.file == kind
        assert problem.message
    if not read.problems:
        run(_calls(read.rules, None))


async def _calls(rules: tuple[Rule, ...], header: str | None) -> None:
    caller = Caller(app(index=_INDEX))
    caller.app.engines.use_faults(rules)
    asked = {"content-type": "application/json", **({} if header is None else {"x-falmock-fault": header})}
    upgrade = {"upgrade": "websocket", "connection": "upgrade"}
    for method, host, path, headers in (
        ("POST", "fal.run", "/a/b", {}),
        ("POST", "queue.fal.run", "/a/b", {}),
        ("GET", "queue.fal.run", "/a/b/requests/{job}/status", {}),
        ("GET", "queue.fal.run", "/a/b/requests/{job}/status/stream", {}),
        ("GET", "queue.fal.run", "/a/b/requests/{job}", {}),
        ("POST", "fal.run", "/a/b/stream", {}),
        ("GET", "fal.run", "/a/b/realtime", upgrade),
        ("POST", "rest.fal.ai", "/storage/upload/initiate", {}),
    ):
        body = b"{}" if method == "POST" else b""
        answer = await caller.call(method, host, path.replace("{job}", caller.job), "", {**asked, **headers}, body)
        check_answer(answer, faulty=True)
        if isinstance(answer, Socket):
            converse(answer, ["{}", b"\x80"], clock())
    caller.app.stop()
