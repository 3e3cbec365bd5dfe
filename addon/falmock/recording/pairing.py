"""Which messages of a server answer which of its client's (PROTOCOL.md section 5.3): nothing on the wire says so."""

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
    """A message of the client's, None for the moment the socket opened, and what the server answered to it.

    `is_cut` tells that the client left, or the socket broke off, when the server may not have said all of it. `waited`
    tells that another input was worked on when this came, so that the app may have dropped it.
    """

    at: float
    asked: Message | None = None
    value: Any = None
    answers: list[tuple[Message, Any]] = field(default_factory=list)
    is_answered: bool = False
    is_cut: bool = False
    close: Close | None = None
    closed_at: float = 0.0
    waited: bool = False


class Pairings(NamedTuple):
    """The turns of a session, first that of its opening.

    Where `is_doubtful`, results may stand with the wrong inputs.
    """

    all: list[Pairing]
    is_doubtful: bool


def turns(session: Session, said: Iterable[tuple[Message, Any]]) -> Pairings:
    """Who was answered what; `said` are the messages of a session that count, each with what it holds.

    The oldest input that has no result yet gets the next one; further results go to the input that was answered last.
    An equal `request_id` in both decides where there is one. Where the client asked for a `max_buffering`, the oldest
    input that waits is taken to be dropped when one more comes. Whether that holds, or how many the app keeps by
    itself, shows in the number of results only. Control messages go with the result that they follow; the word that a
    session is over, and its close, go with the last input.
    """
    limit = realtime.max_buffering(session.request.query)
    guessed = has_dropped = has_surplus = False
    opening = Pairing(session.opened)
    found = [opening]
    waiting: deque[Pairing] = deque()
    current = opening
    by_id: dict[str, Pairing] = {}
    for message, value in said:
        if message.from_client:
            found.append(Pairing(message.at, message, value, waited=bool(waiting)))
            waiting.append(found[-1])
            if limit is not None and len(waiting) > limit + 1:  # the first of them is worked on
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
        for turn in (current, *waiting):
            turn.is_cut = True
    if session.close is not None:
        found[-1].close, found[-1].closed_at = session.close, session.ended
    is_short = guessed and bool(waiting) and (limit is None or session.close is not None)
    return Pairings(found, is_short or (has_dropped and has_surplus))


def is_over(value: Any) -> bool:
    """Whether a message tells that the session is over because nothing was asked any more."""
    return isinstance(value, dict) and value.get("type") == ERROR_TYPE and value.get("error") == TIMEOUT


def is_refusal(value: Any) -> bool:
    """Whether a message tells that the client's token is no good."""
    return isinstance(value, dict) and value.get("status") == "error" and value.get("error") == "Unauthorized"


def _request_id(value: Any) -> str:
    found = value.get("request_id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _control(value: Any) -> Any:
    """The type of a message about the session."""
    return value.get("type") if isinstance(value, dict) else None
