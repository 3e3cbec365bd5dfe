from __future__ import annotations

import pytest

from falmock.engine.single_frame import frames_of
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Asset
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.realtime import encode
from falmock.wire.realtime import error_frame
from falmock.wire.storage import digest

JSON = Answer(200, "application/json", b'{"a":1.0}')
TEXT = Answer(200, "text/plain; charset=utf-8", b"\xff")
FILE = Answer(200, "image/png", b"", asset=digest(b"x"))
ERROR = Answer(422, "application/json", b'{"detail":"no"}', error="no", error_type="value_error")
IN_MEMORY = Asset(digest(b"x"), "x.png", "image/png", 1, data=b"x")
ON_DISK = IN_MEMORY._replace(data=None, file="_assets/x.png")
GONE = error_frame("INTERNAL_ERROR", "The asset of this answer is no longer in the fixtures")


@pytest.mark.parametrize(
    ("answer", "asset", "packed", "plain"),
    [
        (JSON, None, (Binary(encode({"a": 1.0})),), (Text('{"a":1.0}'),)),
        (TEXT, None, (Text("\ufffd"),), (Text("\ufffd"),)),
        (FILE, IN_MEMORY, (Binary(b"x"),), (Binary(b"x"),)),
        (FILE, ON_DISK, (Stored("_assets/x.png", 0, 1),), (Stored("_assets/x.png", 0, 1),)),
        (FILE, None, (GONE,), (GONE,)),
        (ERROR, None, (error_frame("INTERNAL_ERROR", "no"), Close()), (Text('{"detail":"no"}'),)),
    ],
)
def test_answers(answer: Answer, asset: Asset | None, packed: tuple[Frame, ...], plain: tuple[Frame, ...]) -> None:
    assert frames_of(answer, asset, packs=True, is_realtime=True) == packed
    assert frames_of(answer, asset, packs=False, is_realtime=False) == plain


def test_json_that_msgpack_cannot_write() -> None:
    (frame,) = frames_of(JSON._replace(body=b"18446744073709551616"), None, packs=True, is_realtime=True)
    assert isinstance(frame, Text)
    assert "cannot be written as msgpack" in frame.text


def test_an_answer_is_written_once_however_many_messages_wait_for_it() -> None:
    answer = Answer(200, "application/json", b'{"x": "%s"}' % (b"y" * 1000))
    first, again = (frames_of(answer, None, packs=True, is_realtime=True) for _ in range(2))
    assert again[0] is first[0]
    assert frames_of(answer, None, packs=False, is_realtime=True) != first
