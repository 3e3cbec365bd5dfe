"""Calls of the control API, mixed with calls to fal: each gets JSON, and no planted secret shows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from fuzz.apps import Caller
from fuzz.apps import app
from fuzz.apps import is_faulty
from fuzz.harness import logged
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.oracles import check_hidden
from fuzz.oracles import shown
from fuzz.strategies import http_requests
from fuzz.strategies import json_texts
from fuzz.strategies.texts import TEXTS
from unit.fixtures import mutate

_PATHS = st.sampled_from(
    [
        *(
            "health",
            "faults",
            "reset",
            "scopes",
            "scopes/s",
            "fixtures",
            "fixtures/f",
            "fixtures/reload",
            "jobs",
            "jobs/{job}",
        ),
        *("jobs/{job}/advance", "jobs/{job}/complete", "jobs/{job}/fail", "jobs/{job}/hold", "jobs/{job}/release"),
        *("journal", "verify", "openapi.json", "assets", "assets/tickets", f"assets/{'0' * 64}"),
        *("misses", "errors", "fixtures/from"),
    ]
)
_NAMES = st.sampled_from(
    ["scope", "limit", "after", "before", "model", "kind", "status", "matched", "state", "ttl", "all"]
)
_QUERIES = st.lists(st.tuples(_NAMES | TEXTS, TEXTS | st.integers().map(str)), max_size=3).map(
    lambda pairs: "&".join(map("=".join, pairs))
)
_KEYS = st.sampled_from(
    [
        *(
            "fixtures",
            "faults",
            "seed",
            "match",
            "response",
            "fault",
            "rate",
            "times",
            "nth",
            "model",
            "count",
            "least",
        ),
        *("most", "order", "calls", "input", "kind", "status", "result", "error", "type", "logs", "position", "scope"),
        *("ttl", "name", "to", "state", "json", "expect", "method", "path", "assets", "content", "files"),
    ]
)
_BODIES = st.recursive(
    json_texts.SCALARS | st.sampled_from(["a/b", "IN_PROGRESS", "COMPLETED", "nginx_503", "run", "submit"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | TEXTS, inner, max_size=4),
    max_leaves=10,
)
_CONTROL = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]),
        "host": st.just("127.0.0.1"),
        "path": _PATHS.map("/__falmock/{}".format) | TEXTS.map("/__falmock/{}".format),
        "query": st.just("") | _QUERIES,
        "headers": st.fixed_dictionaries(
            {"content-type": st.just("application/json")}, optional={"x-falmock-scope": TEXTS}
        ),
        "body": _BODIES.map(json_texts.json.dumps).map(str.encode)
        | mutate.DOCUMENTS.map(mutate.raw)
        | json_texts.RAW
        | st.just(b""),
    }
)
_STEPS = st.tuples(st.just("control"), _CONTROL) | st.tuples(st.just("fal"), http_requests.CALLS)
CASES = st.fixed_dictionaries(
    {"calls": st.lists(_STEPS, min_size=1, max_size=5), "pace": st.sampled_from(["instant", "manual", "polls:1,2"])}
)


async def _calls(case: dict[str, Any]) -> None:
    caller = Caller(app(pace=case["pace"]))
    with logged() as log:
        for door, each in case["calls"]:
            call = http_requests.call(each, caller.job)
            answer = await caller.call(**call, direct=door == "control")
            # Fixtures and faults that were added answer as they say.
            check_answer(answer, faulty=door == "fal" or is_faulty(answer, call["headers"]))
            check_hidden(*shown(caller.app, answer))
        await caller.check_journal()
    check_hidden(log.text)
    caller.app.stop()


def check(case: dict[str, Any]) -> None:
    run(_calls(case))
