"""What must hold for every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import h11

from falmock.app import App
from falmock.edge import Answer
from falmock.edge import ForwardedCall
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Socket
from falmock.engine.effects import Source
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.wire.message import Header
from falmock.wire.message import reason
from fuzz.strategies.texts import SECRETS
from fuzz.strategies.texts import forms_of

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
STEPS = 2000
"""How many steps a stream may have here."""
MAX_ANSWER = 4 * 1024 * 1024
"""How long an answer to these small requests may be (bytes)."""


def check_answer(answer: Answer, *, faulty: bool = False) -> None:
    """A reply, a stream or a socket can be sent as it is; `faulty`: it may have any status, and a body that is not JSON."""
    if isinstance(answer, ForwardedCall):
        raise AssertionError("in replay nothing is forwarded")  # noqa: TRY004
    if isinstance(answer, Socket):
        check_head(101, answer.headers)
        return
    if isinstance(answer, Reply) and answer.delivery is not None and answer.delivery.reset is ResetPoint.BEFORE_HEADERS:
        return
    check_head(answer.status, answer.headers)
    assert faulty or answer.status < 500, f"status {answer.status}, {answer.why}"
    if isinstance(answer, Stream):
        pieces = played(answer.source, 0.0)
        assert sum(map(len, pieces)) <= MAX_ANSWER
        return
    assert isinstance(answer.body, bytes)
    assert len(answer.body) <= MAX_ANSWER
    if not faulty and answer.body and b"json" in dict(lowered(answer.headers)).get(b"content-type", b""):
        json.loads(answer.body.decode(), parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is no JSON")


def lowered(headers: Iterable[Header]) -> list[Header]:
    return [(name.lower(), value) for name, value in headers]


def check_head(status: int, headers: Iterable[Header]) -> None:
    """A status and headers that h11 sends, with one value each."""
    fields = list(headers)
    connection = h11.Connection(h11.SERVER)
    if status == 101:
        status = 200
    for name, value in fields:
        assert not _CONTROL.search(value), f"control characters in {name.decode()}: {value!r}"
        assert value == value.strip(), f"space around {name.decode()}: {value!r}"
    connection.send(h11.Response(status_code=status, headers=fields, reason=reason(status)))
    names = [name for name, _ in lowered(fields)]
    assert len(names) == len(set(names)), f"a header twice: {names}"


def played(source: Source, now: float) -> list[bytes]:
    """What a stream sends until it ends, or waits for something to happen, or has been asked STEPS times."""
    pieces: list[bytes] = []
    for _ in range(STEPS):
        step: StreamStep = source.step(now)
        pieces += step.pieces
        if step.end is not End.OPEN or step.again is None:
            break
        assert step.again >= now, "a stream that asks to be called in the past does not end"
        now = step.again
    return pieces


def check_hidden(*places: str) -> None:
    """None of the planted secrets shows in these texts."""
    for secret in SECRETS:
        for name, form in zip(("a secret", "a secret in a URL", "a secret in base64"), forms_of(secret), strict=True):
            for place in places:
                found = place.find(form)
                if name == "a secret in base64" and found > 0 and place[found - 1].isalnum():
                    continue  # letters in front of it shift what its digits stand for
                assert found < 0, f"{name} shows: {secret[:8]}... in {place[max(found - 60, 0) : found + 8]!r}"


def shown(app: App, answer: Answer) -> list[str]:
    """What people see of a call besides its answer: the reason, the report, the journals."""
    texts = [answer.why] if not isinstance(answer, ForwardedCall) else []
    if isinstance(answer, Reply) and answer.miss is not None:
        texts.append(answer.miss.text)
    engines = (app.engines.common, *map(app.engines.peek, app.engines.names))
    return texts + [repr(engine.scope.journal.entries) for engine in engines]
