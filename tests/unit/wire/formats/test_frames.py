from __future__ import annotations

import pytest

from falmock.wire.formats.frames import MAX_REASON
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.formats.frames import begun
from falmock.wire.formats.frames import is_sendable


@pytest.mark.parametrize(
    ("code", "sendable"),
    [
        *((code, True) for code in (1000, 1001, 1003, 1007, 1014, 3000, 4999)),
        *((code, False) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)),
    ],
)
def test_the_close_codes_that_may_be_sent(*, code: int, sendable: bool) -> None:
    assert is_sendable(code) is sendable


@pytest.mark.parametrize(
    ("whole", "half"),
    [
        (Text("één"), Text("é", final=False)),
        (Text(""), Text("", final=False)),
        (Binary(b"abcd"), Binary(b"ab", final=False)),
        (Stored("a.png", 3, 8), Stored("a.png", 3, 5, final=False)),
    ],
)
def test_a_message_that_is_begun(*, whole: Text | Binary | Stored, half: Frame) -> None:
    assert begun(whole) == half


def test_the_room_for_a_reason() -> None:
    assert MAX_REASON == 123
