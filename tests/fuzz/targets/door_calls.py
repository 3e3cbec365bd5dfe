"""Calls at falmock's own address, to its gateways: OpenAI's images, aimock's routes, the server-side proxy."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from falmock.engine.config import Dialect
from falmock.gateway.openai import models
from fuzz.apps import Caller
from fuzz.apps import app
from fuzz.apps import is_faulty
from fuzz.harness import logged
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.oracles import check_hidden
from fuzz.oracles import shown
from fuzz.strategies import forms
from fuzz.strategies import http_requests
from fuzz.strategies import json_texts
from fuzz.strategies.texts import TEXTS

_OPENAI = st.sampled_from(
    ["/v1/images/generations", "/v1/images/edits", "/v1/models", "/v1/models/flux", "/openai/x"]
) | (TEXTS.map("/v1/{}".format) | TEXTS.map("/openai/deployments/{}/images/generations".format))
_AIMOCK = st.one_of(
    http_requests.PATHS.map("/fal{}".format),
    http_requests.PATHS.map("/fal/@queue.fal.run{}".format),
    st.tuples(TEXTS, TEXTS).map(lambda each: "/fal/@{}/{}".format(*each)),
    st.sampled_from(["/fal/queue/submit/a/b", "/fal/run/a/b", "/fal/queue/requests/{job}/status"]),
    st.sampled_from(["/__aimock/journal", "/__aimock/reset", "/__aimock/fixtures", "/__aimock/chaos", "/__aimock/"]),
    TEXTS.map("/__aimock/{}".format),
)
_PATHS = _OPENAI | _AIMOCK | st.sampled_from(["/api/fal/proxy", "/health", "/ready", "/", ""]) | http_requests.PATHS
_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["flux", "dall-e-3", "a/b"]) | json_texts.VALUES,
        "prompt": TEXTS | json_texts.VALUES,
        "n": st.integers(-1, 12) | json_texts.VALUES,
        "size": st.sampled_from(["1024x1024", "auto", "0x0", "99999999999x1", "x"]) | TEXTS,
        "response_format": st.sampled_from(["url", "b64_json"]) | TEXTS,
        "stream": st.booleans() | TEXTS,
        "quality": TEXTS,
        "output_format": TEXTS,
        "image": json_texts.VALUES,
        "images": json_texts.VALUES,
        "user": TEXTS,
        "background": TEXTS,
        "seed": json_texts.NUMBERS,
    },
)
_TARGETS = st.sampled_from(
    [
        *(
            "https://fal.run/a/b",
            "https://queue.fal.run/a/b",
            "http://fal.run/a/b",
            "https://fal.run:444/a/b",
            "//fal.run",
        ),
        *(
            "https://fal.run@evil.test/",
            "https://evil.test/?fal.run",
            "https://fal.run\\@evil.test",
            "https://[fal.run]/",
        ),
    ]
)
_HEADERS = st.fixed_dictionaries(
    {"content-type": st.sampled_from(["application/json"] * 3 + ["text/plain", "*/*"]) | forms.TYPES},
    optional={
        "x-fal-target-url": _TARGETS | TEXTS,
        "x-fal-target-host": http_requests.HOSTS | TEXTS,
        "x-test-id": TEXTS,
        "x-aimock-context": TEXTS,
        "x-aimock-strict": TEXTS,
        "x-aimock-chaos-drop": TEXTS,
        "user-agent": TEXTS,
        "origin": TEXTS,
        "accept": TEXTS,
        "api-key": TEXTS,
    },
)
_CALLS = st.fixed_dictionaries(
    {
        "method": http_requests.METHODS,
        "host": st.just("127.0.0.1"),
        "path": _PATHS,
        "query": http_requests.QUERIES,
        "headers": _HEADERS,
        "body": _VALUES.map(json_texts.json.dumps).map(str.encode) | forms.BODIES | http_requests.BODIES,
    }
)
CASES = st.fixed_dictionaries(
    {"calls": st.lists(_CALLS, min_size=1, max_size=4), "dialect": st.sampled_from(["fal", "aimock"])}
)


async def _calls(case: dict[str, Any]) -> None:
    caller = Caller(app(dialect=Dialect(case["dialect"]), openai_models=models.parse(["flux:a/b"])))
    with logged() as log:
        for each in case["calls"]:
            call = http_requests.call(each, caller.job)
            answer = await caller.call(**call, direct=True)
            check_answer(answer, faulty=is_faulty(answer, call["headers"]))
            check_hidden(*shown(caller.app, answer))
        await caller.check_journal()
    check_hidden(log.text)
    caller.app.stop()


def check(case: dict[str, Any]) -> None:
    run(_calls(case))
