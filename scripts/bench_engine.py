"""Measures the engine alone: Run, Submit and Status, relative to json.loads and json.dumps of the same bodies."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from bench_figures import report
from bench_figures import seconds_of
from bench_samples import ENDPOINT
from bench_samples import flux_input
from bench_samples import write_fixtures

from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request


def bench_engine(rounds: int) -> bool:
    print("engine alone (CPU per call)")
    with tempfile.TemporaryDirectory() as name:
        index = FixtureLoader([str(write_fixtures(Path(name), 1))]).load().index
    counter = iter(range(10**9))
    engine = Engine(Config(), index, lambda now: uuid7(now, next(counter)), b"secret")
    sent = json.dumps(flux_input(0)).encode()
    headers = {
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "authorization": "Key kid:ksecret",
        "content-type": "application/json",
        "user-agent": "fal-client/1.0.3 (python)",
    }
    run = Request("POST", "fal.run", f"/{ENDPOINT}", "", headers, sent)
    submit = Request("POST", "queue.fal.run", f"/{ENDPOINT}", "", headers, sent)
    job = json.loads(_body(engine.handle(submit, 1.0)))
    path = job["status_url"].removeprefix("https://queue.fal.run")
    status = Request("GET", "queue.fal.run", path, "logs=true", headers, b"")
    met = True
    # Submits come last, since that many evict the job that Status needs.
    for label, request in (("Run", run), ("Status with logs", status), ("Submit", submit)):
        answered = json.loads(_body(engine.handle(request, 2.0)))

        def floor(received: bytes = request.body, answered: object = answered) -> None:
            if received:
                json.loads(received)
            json.dumps(answered)

        ratios = [
            seconds_of(lambda request=request: engine.handle(request, 2.0), 2000) / seconds_of(floor, 2000)
            for _ in range(rounds)
        ]
        _body(engine.handle(request, 2.0))
        met &= report(label, ratios, 6.0, "json.loads + json.dumps")
    return met


def _body(effect: object) -> bytes:
    assert isinstance(effect, Reply)
    assert effect.status == 200
    assert isinstance(effect.body, bytes)
    return effect.body
