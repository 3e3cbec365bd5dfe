from __future__ import annotations

import uuid

from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats.uuid7 import uuid7

TIMES = st.integers(0, 2**44).map(lambda millis: millis / 1000)
BITS = st.binary(min_size=12, max_size=12).map(lambda content: int.from_bytes(content, "big"))


@given(TIMES, BITS)
def test_an_id_is_a_uuid_of_version_7(now: float, random: int) -> None:
    text = uuid7(now, random)
    read = uuid.UUID(text)
    assert str(read) == text
    assert read.version == 7
    assert read.variant == uuid.RFC_4122


@given(TIMES, BITS)
@example(1.5, 2**73 + 2**62 + 2**61 + 1)
def test_an_id_holds_its_time_and_74_random_bits(now: float, random: int) -> None:
    number = uuid.UUID(uuid7(now, random)).int
    assert number >> 80 == int(now * 1000)
    held = (number >> 64 & 0xFFF) << 62 | number & (1 << 62) - 1
    assert held == random % 2**74


@given(TIMES, BITS, BITS)
def test_ids_sort_by_time(now: float, one: int, other: int) -> None:
    assert uuid7(now, one) < uuid7(now + 1, other)
