"""Calls that get a fault: each kind of fault at each kind of call that it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from falmock.wire.error_table import ERRORS

FEW = 7
"""So many bytes at a time would take long for a large body."""
EVENTS = [{"json": {"n": number}} for number in range(3)]
FIXTURES: list[dict[str, Any]] = [
    {"match": {"model": "acme/plain"}, "response": {"json": {"ok": True}}, "queue": {"started": 0, "completed": 0}},
    {"match": {"model": "acme/streams"}, "stream": {"events": EVENTS}},
    {"match": {"model": "acme/talks", "input": {}}, "realtime": EVENTS},
    {"match": {"model": "acme/large"}, "response": {"json": {"text": "abcdefghij" * 120_000}}},
]
FAULTS: dict[str, list[Any]] = {
    "error": [{"error": {"name": "missing", "message": "why", "loc": ["body", "a"], "status": 499}}],
    "latency": [{"latency": 0.01}, {"latency": {"uniform": [0, 0.01]}}],
    "firstByte": [{"firstByte": 0.01}, {"firstByte": 0.01, "drip": {"bytes": FEW, "every": 0.001}}],
    "drip": [{"drip": {"bytes": FEW, "every": 0.001}}, {"drip": {"bytes": 10_000, "every": 0}}],
    "truncate": [{"truncate": 0}, {"truncate": 5}, {"truncate": "50%"}, {"truncate": "100%"}, {"truncate": 10**9}],
    "reset": [{"reset": "before-headers"}, {"reset": "after-headers"}],
    "body": [{"body": kind} for kind in ("malformed-json", "empty", "html")],
    "contentType": [{"contentType": "text/x-test; a=b"}, {"contentType": "text/plain", "body": "html"}],
    "contentLength": [{"contentLength": value} for value in (0, 5, 10**6, "+10", "-1")],
    "job": [
        *({"job": kind} for kind in ("stuck-in-queue", "stuck-in-progress", "fails-late", "loses-result", "retried")),
        {"job": {"kind": "fails-late", "error": "runner_disconnected"}},
    ],
    "webhook": [{"webhook": "never"}],
    "socket": [
        {"socket": {"close": 1011, "reason": "gone", "after": 1}},
        {"socket": {"reset": True, "after": 1}},
        {"socket": {"idle": 0.2}},
        {"socket": {"midFrame": True}},
        {"socket": {"midFrame": True, "close": 1011, "after": 1}},
        {"socket": {"midFrame": True, "reset": True}},
        {"reset": "after-headers"},
    ],
    "stream": [
        {"stream": {"after": 1}},
        {"stream": {"after": 1, "error": "runner_disconnected"}},
        {"stream": {"after": 2, "cut": True}},
        {"stream": {"after": 0, "reset": True}},
    ],
    "rate": [{"error": "nginx_502", "rate": 0.5}] * 4,
    "seed": [{"error": "nginx_502", "rate": 0.5, "seed": "x"}] * 4,
    "nth": [{"body": "empty", "nth": [2, 3]}] * 4,
    "times": [{"body": "html", "times": 1}] * 2,
}
"""By their keys."""
RUN, STREAM, LARGE = (f"POST https://fal.run/acme/{path}" for path in ("plain", "streams/stream", "large"))
SUBMIT = "POST https://queue.fal.run/acme/plain"
JOB = "https://queue.fal.run/acme/plain/requests/{job}"
BEFORE = [{"ask": SUBMIT, "json": {}, "keep": {"job": "request_id"}}]
"""Calls without a fault, after which these can have one."""
PLACES = [
    RUN,
    LARGE,
    STREAM,
    SUBMIT,
    f"GET {JOB}/status",
    f"GET {JOB}",
    f"PUT {JOB}/cancel",
    "POST https://rest.alpha.fal.ai/storage/upload/initiate",
    "POST https://v3.fal.media/files/upload",
    "POST https://rest.fal.ai/tokens/",
    "POST /fal/run/acme/plain",
    "POST http://fal.run/acme/plain",
]
"""Kinds of calls, through TLS, to falmock itself and in absolute form."""
ANYWHERE = ("error", "truncate", "reset", "body", "contentType", "contentLength", "drip", "firstByte", "latency")
SOCKETS = ("wss://fal.run/acme/talks/realtime", "wss://ws.fal.run/acme/plain")


def _with(fault: Any, **call: Any) -> dict[str, Any]:
    text = fault if isinstance(fault, str) else json.dumps(fault)
    return {"headers": [f"x-falmock-fault: {text}"], "json": {}, "fault": fault} | call


def calls() -> Iterator[dict[str, Any]]:
    """All calls, in the form of golden calls."""
    yield from BEFORE
    yield from _errors()
    yield from _effects()
    yield from _on_sockets()
    yield from _jobs()


def _errors() -> Iterator[dict[str, Any]]:
    for name in ERRORS:
        yield _with(name, ask=RUN)
    for name in ("nginx_503", "runner_disconnected", "missing"):
        for place in PLACES:
            yield _with(name, ask=place)
        for url in SOCKETS:
            yield _with(name, socket=url, says=[{"json": {}}])


def _effects() -> Iterator[dict[str, Any]]:
    for key in ANYWHERE:
        for number, fault in enumerate(FAULTS[key]):
            for place in PLACES if number == 0 else (RUN, LARGE, STREAM, SUBMIT, f"GET {JOB}/status"):
                if place is not LARGE or fault.get("drip", {}).get("bytes") != FEW:
                    yield _with(fault, ask=place)
    for key in ("stream", "rate", "seed", "nth", "times"):
        for fault in FAULTS[key]:
            yield _with(fault, ask=STREAM)
            yield _with(fault, ask=RUN)


def _on_sockets() -> Iterator[dict[str, Any]]:
    for fault in (*FAULTS["socket"], *FAULTS["latency"]):
        for url in SOCKETS:
            yield _with(fault, socket=url, says=[{"json": {}, "frames": 3}])


def _jobs() -> Iterator[dict[str, Any]]:
    for fault in (*FAULTS["job"], *FAULTS["webhook"]):
        hook = "?fal_webhook=http://127.0.0.1:9/" if "webhook" in fault else ""
        yield _with(fault, ask=SUBMIT + hook, keep={"job": "request_id"})
        for after in (f"GET {JOB}/status?logs=1", f"GET {JOB}", f"PUT {JOB}/cancel", f"GET {JOB}/status"):
            yield {"ask": after, "fault": fault}
        yield {"ask": f"GET {JOB}/status/stream", "fault": fault}


TIMED: dict[str, tuple[Any, str]] = {
    "a late answer": ({"latency": 1}, RUN),
    "a late stream": ({"latency": 1}, STREAM),
    "a late body": ({"firstByte": 1}, RUN),
    "a body in pieces": ({"drip": {"bytes": 4, "every": 0.5}}, RUN),
    "a late error": ({"latency": 1, "error": "nginx_503"}, RUN),
    "a late reset": ({"latency": 1, "reset": "before-headers"}, RUN),
    "a late cut": ({"firstByte": 1, "truncate": 3}, RUN),
    "a late body of a file": ({"firstByte": 1}, LARGE),
    "at once": ({"body": "html"}, RUN),
    "a stream at once": ({"stream": {"after": 1}}, STREAM),
}
"""Faults that take their time, and some that do not."""
AT_ONCE = {"at once", "a stream at once"}
