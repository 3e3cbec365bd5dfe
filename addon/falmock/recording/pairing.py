"""Pairs messages of a server with those of its client; the protocol itself does not (PROTOCOL.md section 5.3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import NamedTuple

from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.wire import realtime
from falmock.wire.formats.frames import Close
from falmock.wire.realtime import ERROR_TYPE
from falmock.wire.realtime import MESSAGE_TYPE
from falmock.wire.realtime import TIMEOUT


@dataclass(slots=True, eq=False)
class Pairing:
    """A message of the client (None for the opening of the socket) and the server's answers to it.

    `at` and `closed_at` are in seconds since the epoch. `is_cut`: the client left or the socket broke off, so answers
    may be missing. `waited`: another input was in progress when this one came, so the app may have dropped it.
    """

    at: float
    sent: Message | None = None
    value: Any = None
    answers: list[tuple[Message, Any]] = field(default_factory=list)
    is_answered: bool = False
    is_cut: bool = False
    close: Close | None = None
    closed_at: float = 0.0
    waited: bool = False


class Pairings(NamedTuple):
    """The pairings of a session; the first is for its opening.

    If `is_doubtful`, results may be paired with the wrong inputs.
    """

    all: list[Pairing]
    is_doubtful: bool


def pairings(session: Session, messages: Iterable[tuple[Message, Any]]) -> Pairings:
    """Pair each input with its answers; `messages` are the relevant messages of a session, each with its value.

    An equal `request_id` in both decides, if there is one. Otherwise the oldest input without a result gets the next
    result; further results go to the input that was answered last. If the client requested a `max_buffering`, the
    oldest waiting input counts as dropped when one more comes. Only the number of results shows whether that is
    right, or how many inputs the app buffers by itself. Control messages belong to the result before them; the
    message that ends a session, and its close, belong to the last input.
    """
    limit = realtime.max_buffering(session.request.query)
    guessed = has_dropped = has_surplus = False
    opening = Pairing(session.opened)
    found = [opening]
    waiting: deque[Pairing] = deque()
    current = opening
    by_id: dict[str, Pairing] = {}
    for message, value in messages:
        if message.from_client:
            found.append(Pairing(message.at, message, value, waited=bool(waiting)))
            waiting.append(found[-1])
            if limit is not None and len(waiting) > limit + 1:  # the first of them is in progress
                has_dropped = True
                del waiting[1]
            if request_id := _request_id(value):
                by_id[request_id] = found[-1]
        elif is_over(value):
            found[-1].answers.append((message, value))
        elif _control(value) == MESSAGE_TYPE or len(found) == 1:
            (current if current is not opening or not waiting else waiting[0]).answers.append((message, value))
        else:
            named = by_id.get(_request_id(value))
            current = named or (waiting[0] if waiting else current)
            guessed |= named is None and current.waited
            has_surplus |= named is None and current.is_answered
            if not current.is_answered and current in waiting:
                waiting.remove(current)
            current.is_answered = True
            current.answers.append((message, value))
    if session.close is None or session.lost:
        for pairing in (current, *waiting):
            pairing.is_cut = True
    if session.close is not None:
        found[-1].close, found[-1].closed_at = session.close, session.ended
    is_short = guessed and bool(waiting) and (limit is None or session.close is not None)
    return Pairings(found, is_short or (has_dropped and has_surplus))


def is_over(value: Any) -> bool:
    """Whether a message ends the session because no further input came."""
    return isinstance(value, dict) and value.get("type") == ERROR_TYPE and value.get("error") == TIMEOUT


def _request_id(value: Any) -> str:
    found = value.get("request_id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _control(value: Any) -> Any:
    """The `type` of a message, which control messages have."""
    return value.get("type") if isinstance(value, dict) else None
