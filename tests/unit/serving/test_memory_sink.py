"""Bodies that are kept in memory."""

from __future__ import annotations

import pytest

from falmock.serving import memory_sink
from falmock.serving.handler import TooLarge
from falmock.serving.memory_sink import Memory
from falmock.wire.message import Content


def test_what_comes_is_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_sink, "MAX_BODY", 5)
    sink = Memory()
    assert sink.data() == b""
    for piece in (b"ab", b"cde"):
        sink.write(piece)
    assert sink.data() == b"abcde"
    assert sink.content() == Content("", 5, data=b"abcde")
    with pytest.raises(TooLarge, match="more than 5 bytes"):
        sink.write(b"f")
    sink.drop()
    assert sink.data() == b""
