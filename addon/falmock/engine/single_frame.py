"""An ordinary answer as what a socket sends: what a message gets where no fixture has frames for it."""

from __future__ import annotations

from functools import lru_cache

from falmock.fixtures.model import Answer
from falmock.fixtures.model import Asset
from falmock.wire import realtime
from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text


@lru_cache(maxsize=16)  # of thousands of messages that wait for the same answer each would have one of its own
def frames_of(answer: Answer, asset: Asset | None, *, packs: bool, is_realtime: bool) -> tuple[Frame, ...]:
    """The answer as frames; `asset` is its content where that is one, `packs` tells whether JSON goes as msgpack.

    On a `/realtime` socket an error is what the runtime makes of an app that raised one: INTERNAL_ERROR, and the end
    (section 5.3).
    """
    if is_realtime and answer.status >= 400:
        return realtime.error_frame(realtime.INTERNAL_ERROR, answer.error or ""), Close()
    if answer.asset is not None:
        if asset is None:
            gone = "The asset of this answer is no longer in the fixtures"
            return (realtime.error_frame(realtime.INTERNAL_ERROR, gone),)
        return (Stored(asset.file, 0, asset.size) if asset.file is not None else Binary(asset.data or b""),)
    if packs and "json" in answer.content_type:
        try:
            return (Binary(realtime.encode(jsontext.loads(answer.body))),)
        except (jsontext.BadJSON, realtime.BadMessage) as error:
            reason = f"This answer cannot be written as msgpack: {error}"
            return (realtime.error_frame(realtime.INTERNAL_ERROR, reason),)
    return (Text(answer.body.decode("utf-8", "replace")),)
