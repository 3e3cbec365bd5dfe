"""Builds the fixtures of a socket session: one for each message of the client, with the frames that answered it."""

from __future__ import annotations

import base64
from typing import Any

from falmock.fixtures.call_forms import is_literal
from falmock.fixtures.matching.canonical import FILE
from falmock.recording.composer import Composer
from falmock.recording.composer import warn
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.recording.match import NotAnInput
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import of_session
from falmock.recording.pairing import Pairing
from falmock.recording.pairing import is_over
from falmock.recording.pairing import pairings
from falmock.recording.response import BuiltResponse
from falmock.recording.response import ResponseBuilder
from falmock.recording.trouble import OF_ACCOUNT
from falmock.recording.trouble import refusal
from falmock.recording.trouble import tells_of_account
from falmock.wire import realtime
from falmock.wire.endpoint import EndpointId
from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import NORMAL_CLOSURE
from falmock.wire.formats.frames import Close
from falmock.wire.formats.media import is_type
from falmock.wire.formats.media import sniffed
from falmock.wire.message import content_of
from falmock.wire.routes import is_realtime_path

NO_CODE = 1005
"""The code that stands for a close without a code (RFC 6455, section 7.4.1)."""
NIL = b"\xc0"
_DOUBT = (
    "there are not as many results as messages. The messages were sent faster than they were answered, so it is unknown which "
    "result answers which: if the app dropped a message, later ones are recorded with the wrong result. Record again with one "
    "message at a time, or with a request_id in each if the app repeats it"
)
INLINE = 256
"""Binary values of up to this many bytes are written into the fixture itself."""


def read(message: Message) -> Any:
    """The JSON or msgpack value of a message; None for any other text or bytes."""
    if isinstance(message.content, str):
        return jsontext.value_of(message.content, exact=True)
    try:
        return realtime.decode(message.content)
    except realtime.BadMessage:
        return None


class SocketFixtures:
    """Builds the fixtures of sessions."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    def record(self, endpoint: EndpointId, session: Session) -> list[Outcome]:
        """The outcomes of a session, in the order of its messages; unanswered messages of a refused one are skipped."""
        about = f"the socket of {endpoint}"
        messages, refused = self._accepted(session)
        outcomes: list[Outcome] = []
        lost = 0
        (opening, *inputs), is_doubtful = pairings(session, messages)
        # An idle timeout does not answer the opening, nor does a session that broke off before any input.
        if opening.answers and not is_over(opening.answers[0][1]) and (inputs or not (refused or session.lost)):
            outcomes.append(self._saved(endpoint, session, opening))
        for pairing in inputs:
            if (refused or session.lost) and not pairing.is_answered:
                lost += 1
            else:
                outcomes.append(self._saved(endpoint, session, pairing))
        if refused:
            outcomes.append(NotRecorded(f"what {about} left unanswered", f"it was refused ({refused})"))
        elif lost:
            outcomes.append(NotRecorded(f"what {about} left unanswered (messages: {lost})", session.lost))
        if is_doubtful:
            outcomes.append(warn(f"{about}: {_DOUBT}"))
        return of_session(outcomes)

    def _accepted(self, session: Session) -> tuple[list[tuple[Message, Any]], str]:
        """The messages with their values, without those of fal itself that refuse the session; and why it did, else ""."""
        messages = [(message, read(message)) for message in session.messages]
        if self._composer.errors:
            return messages, ""
        refusals = [refusal(value) for message, value in messages if not message.from_client]
        if session.close is not None and tells_of_account([session.close.reason]):
            refusals.append(OF_ACCOUNT)
        why = next(filter(None, refusals), "")
        return [(message, value) for message, value in messages if message.from_client or not refusal(value)], why

    def _saved(self, endpoint: EndpointId, session: Session, pairing: Pairing) -> Outcome:
        about = f"a message on the socket of {endpoint}"
        is_realtime = is_realtime_path(endpoint)
        try:
            if pairing.sent is None:
                about = f"the opening of the socket of {endpoint}"
                match: dict[str, Any] = {"model": str(endpoint), "opening": True}
            else:
                value = input_of(pairing.sent.content, pairing.value, is_realtime=is_realtime)
                match = self._composer.matches.of_message(value, str(endpoint))
        except NotAnInput as error:
            return NotRecorded(about, str(error))
        result = BuiltResponse()
        frames = []
        latest = 0.0
        for message, value in pairing.answers:
            latest = max(latest, round(message.at - pairing.at, 2))
            frame = frame_of(message.content, value, self._composer.answers, result, is_realtime=is_realtime)
            frames.append({"at": latest} | frame)
        if pairing.close is not None:
            frames.append({"at": max(latest, round(pairing.closed_at - pairing.at, 2)), "close": _close(pairing.close)})
        recorded = self._composer.recorded_at(pairing.at, session.request)
        entry = {"match": match, "realtime": frames, "recorded": recorded}
        return self._composer.save(entry, about, pairing.at, result)._replace(is_cut=pairing.is_cut)


def input_of(content: str | bytes, value: Any, *, is_realtime: bool) -> dict[str, Any]:
    """The input of a message, as the engine reads it; bytes stay bytes. `value` is the message's value.

    Raises NotAnInput for a message that ends any realtime session, regardless of fixtures.
    """
    if isinstance(value, dict):
        return value
    if isinstance(content, str):
        return {"text": content}
    if not is_realtime:
        return {"binary": content}
    if value is None and content != NIL:
        raise NotAnInput("it is not a msgpack message")
    return {"value": value}


def frame_of(
    content: str | bytes, value: Any, answers: ResponseBuilder, result: BuiltResponse, *, is_realtime: bool
) -> dict[str, Any]:
    """A message of a server as a frame of a fixture, without its time; files it refers to are noted in `result`.

    Text becomes JSON if replay then sends the same text, or if the client (realtime) accepts only JSON anyway.
    """
    if isinstance(content, str):
        if isinstance(value, dict | list) and is_literal(value) and (is_realtime or _is_compact(content, value)):
            return {"json": answers.rendered(value, result)}
        return {"text": content}
    if isinstance(value, dict) and _is_plain(value):
        return {"msgpack": _rendered(value, answers, result)}
    return {"binary": _binary(content, sniffed(content), result, "binary")}


def _is_compact(text: str, value: Any) -> bool:
    return text == jsontext.dump_exact(value, indent=None)


def _is_plain(value: Any) -> bool:
    """Whether a value, apart from bytes in it, can be written as JSON, and no key looks like a file reference."""
    if isinstance(value, dict):
        return not any(key.startswith("$") for key in value) and all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return not isinstance(value, float) or abs(value) < float("inf")


def _rendered(value: Any, answers: ResponseBuilder, result: BuiltResponse, content_type: Any = None) -> Any:
    if isinstance(value, bytes):
        named = content_type if isinstance(content_type, str) and is_type(content_type) else sniffed(value)
        return _binary(value, named, result, "msgpack")
    if isinstance(value, list):
        return [_rendered(item, answers, result, content_type) for item in value]
    if isinstance(value, dict):
        beside = value.get("content_type", content_type)
        return {key: _rendered(item, answers, result, beside) for key, item in value.items()}
    return answers.rendered(value, result)


def _binary(data: bytes, content_type: str, result: BuiltResponse, where: str) -> Any:
    """Bytes in a frame: short ones in base64, others as an asset."""
    if len(data) <= INLINE:
        text = base64.b64encode(data).decode()
        return text if where == "binary" else {"$base64": text}
    content = content_of(data)
    result.contents.append((content, content_type))
    return {FILE: f"sha256:{content.sha256}"} | ({"as": "bytes"} if where == "msgpack" else {})


def _close(close: Close) -> dict[str, Any]:
    result: dict[str, Any] = {"code": NORMAL_CLOSURE if close.code == NO_CODE else close.code}
    return result | ({"reason": close.reason} if close.reason else {})
