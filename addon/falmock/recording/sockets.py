"""The fixtures that come of a session on a socket: one for each message of the client's, with the frames that answered it."""

from __future__ import annotations

import base64
from typing import Any

from falmock.fixtures.matching.canonical import FILE
from falmock.recording.composer import Composer
from falmock.recording.composer import warn
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.recording.match import NotAnInput
from falmock.recording.outcome import Outcome
from falmock.recording.pairing import Pairing
from falmock.recording.pairing import is_over
from falmock.recording.pairing import is_refusal
from falmock.recording.pairing import turns
from falmock.recording.response import BuiltResponse
from falmock.recording.response import ResponseBuilder
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
"""What a close without a code is known by (RFC 6455, section 7.4.1)."""
NIL = b"\xc0"
_DOUBT = (
    "there are not as many results as messages, which were sent faster than they were answered, and nothing tells which result "
    "is whose: where the app dropped a message, those after it are recorded with the result of another. Record again with one "
    "message at a time, or with a request_id in each, if the app repeats it"
)
INLINE = 256
"""Bytes of up to this length stand in the fixture itself."""


def read(message: Message) -> Any:
    """What a message holds: the JSON or msgpack value that it is, None for any other text or bytes."""
    if isinstance(message.content, str):
        return jsontext.value_of(message.content, exact=True)
    try:
        return realtime.decode(message.content)
    except realtime.BadMessage:
        return None


class SocketFixtures:
    """Makes the fixtures of sessions."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    def record(self, endpoint: EndpointId, session: Session) -> list[Outcome]:
        """What comes of a session: in the order of the messages; a session that was refused is fal's trouble."""
        about = f"the socket of {endpoint}"
        said = [(message, value) for message in session.messages if not is_refusal(value := read(message))]
        refused = len(said) < len(session.messages)
        outcomes: list[Outcome] = []
        lost = 0
        (opening, *asked), is_doubtful = turns(session, said)
        # How long a socket may be idle is no answer to its opening, and neither is what broke off.
        if opening.answers and not is_over(opening.answers[0][1]) and (asked or not (refused or session.lost)):
            outcomes.append(self._saved(endpoint, session, opening))
        for turn in asked:
            if (refused or session.lost) and not turn.is_answered:
                lost += 1
            else:
                outcomes.append(self._saved(endpoint, session, turn))
        if refused:
            outcomes.append(warn(f"{about} was refused (unauthorized): what it did not answer is not recorded"))
        elif lost:
            outcomes.append(warn(f"{about}: what had no answer ({lost}) is not recorded: {session.lost}"))
        if is_doubtful:
            outcomes.append(warn(f"{about}: {_DOUBT}"))
        return outcomes

    def _saved(self, endpoint: EndpointId, session: Session, turn: Pairing) -> Outcome:
        about = f"a message on the socket of {endpoint}"
        is_realtime = is_realtime_path(endpoint)
        try:
            if turn.asked is None:
                about = f"the opening of the socket of {endpoint}"
                match: dict[str, Any] = {"model": str(endpoint), "opening": True}
            else:
                value = input_of(turn.asked.content, turn.value, is_realtime=is_realtime)
                match = self._composer.matches.of_message(value, str(endpoint))
        except NotAnInput as error:
            return warn(f"{about} cannot be recorded: {error}")
        result = BuiltResponse()
        frames = []
        latest = 0.0
        for message, value in turn.answers:
            latest = max(latest, round(message.at - turn.at, 2))
            frame = frame_of(message.content, value, self._composer.answers, result, is_realtime=is_realtime)
            frames.append({"at": latest} | frame)
        if turn.close is not None:
            frames.append({"at": max(latest, round(turn.closed_at - turn.at, 2)), "close": _close(turn.close)})
        recorded = self._composer.recorded_at(turn.at, session.request)
        entry = {"match": match, "realtime": frames, "recorded": recorded}
        return self._composer.save(entry, about, turn.at, result)._replace(is_cut=turn.is_cut)


def input_of(content: str | bytes, value: Any, *, is_realtime: bool) -> dict[str, Any]:
    """The input that a message is, as the engine reads it, bytes left as they are; `value` is what it holds.

    Raises NotAnInput for what ends a realtime session, whatever fixtures there are.
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
    """A message of a server as a frame of a fixture, without its time; what it names is noted in `result`.

    Text is JSON where that is sent again as it was, or to clients that read nothing else.
    """
    if isinstance(content, str):
        if isinstance(value, dict | list) and '"$file"' not in content and (is_realtime or _is_compact(content, value)):
            return {"json": answers.rendered(value, result)}
        return {"text": content}
    if isinstance(value, dict) and _is_plain(value):
        return {"msgpack": _rendered(value, answers, result)}
    return {"binary": _binary(content, sniffed(content), result, "binary")}


def _is_compact(text: str, value: Any) -> bool:
    return text == jsontext.dump_exact(value, indent=None)


def _is_plain(value: Any) -> bool:
    """Whether JSON can hold what stands between the bytes of a value, and no key reads as a file."""
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
    """Bytes as a frame has them: short ones in base64, others as an asset."""
    if len(data) <= INLINE:
        text = base64.b64encode(data).decode()
        return text if where == "binary" else {"$base64": text}
    content = content_of(data)
    result.contents.append((content, content_type))
    return {FILE: f"sha256:{content.sha256}"} | ({"as": "bytes"} if where == "msgpack" else {})


def _close(close: Close) -> dict[str, Any]:
    told: dict[str, Any] = {"code": NORMAL_CLOSURE if close.code == NO_CODE else close.code}
    return told | ({"reason": close.reason} if close.reason else {})
