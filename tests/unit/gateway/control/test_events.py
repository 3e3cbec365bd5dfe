"""The stream of events as an operation."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.effects import Stream
from falmock.engine.jobs.keep_alive import EVERY
from falmock.gateway.control.events import place_of
from falmock.gateway.control.scope_events import Place
from unit.gateway.steering import Steered


@pytest.mark.parametrize(
    ("text", "place"),
    [("7", Place(7, "")), ("7.12", Place(7, "12")), ("x", None), ("7.", None), ("-1", None), ("٣", None)],
)
def test_where_a_client_is(text: str, place: Place | None) -> None:
    assert place_of(text) == place


def test_its_headers() -> None:
    stream: Any = Steered().reply("GET", "/events")
    assert isinstance(stream, Stream)
    headers = dict(stream.headers)
    assert headers[b"Content-Type"].startswith(b"text/event-stream")
    assert headers[b"Cache-Control"] == b"no-store"


def test_a_comment_shows_that_it_is_alive() -> None:
    steered = Steered()
    stream: Any = steered.reply("GET", "/events")
    stream.source.step(steered.now)
    step = stream.source.step(steered.now + EVERY)
    assert (step.pieces, step.keep_alive) == ((b": ping\n\n",), True)


def test_it_is_guarded() -> None:
    assert Steered(control_token="12345678").reply("GET", "/events").status == 401
    assert Steered().reply("GET", "/events", headers={"origin": "https://evil.example"}).status == 403
    assert Steered().reply("HEAD", "/events").status == 405
