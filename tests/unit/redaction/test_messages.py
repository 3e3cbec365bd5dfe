from __future__ import annotations

import pytest

from falmock.redaction import messages

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://a.test/?a=b now", ["a=b"]),
        ("https://a.test/?[hidden] http://a.test/? ://?a a://?b", []),
        ("https://a.test/#x?a=b", []),
        ("a?b=https://a.test/x?c=d?e", ["c=d?e"]),
        ("Key abcdefgh Key abcdefg1 Bearer abcdefghijklmnopq Basic a", ["abcdefg1", "abcdefghijklmnopq"]),
        ("password=hunter2 api_key='a b' token=hello secret_key=\"x\"", ["hunter2", "a b", "x"]),
        ("a = b", []),
    ],
)
def test_likely_secrets(text: str, found: list[str]) -> None:
    assert [text[span.start : span.end] for span in messages.likely(text, NONE)] == found
