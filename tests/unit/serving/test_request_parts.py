"""What a head says of its headers."""

from __future__ import annotations

import pytest

from falmock.serving.request_parts import NO_HEAD
from falmock.serving.request_parts import Head

HEAD = Head("GET", b"/", ((b"Host", b"fal.run"), (b"X-A", b"1"), (b"x-a", b"2")))


@pytest.mark.parametrize(("name", "value"), [(b"host", b"fal.run"), (b"x-a", b"1"), (b"Host", b""), (b"x", b"")])
def test_the_first_header_of_a_name_in_lower_case(name: bytes, value: bytes) -> None:
    assert HEAD.get(name) == value


def test_no_head_has_no_headers() -> None:
    assert NO_HEAD.get(b"host") == b""
