"""The tokens of TypeScript declarations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.typescript.tokens import BadTypes
from falmock.synthesis.typescript.tokens import Kind
from falmock.synthesis.typescript.tokens import Token
from falmock.synthesis.typescript.tokens import tokens

PIECES = st.sampled_from(
    ["export type A", " = ", "{", "}", "'a'", '"b\\u00e9"', "/** c */", "// d\n", "/*", "\\", "#", "\n", "-1.5e3", "`"]
)


def read(text: str) -> list[tuple[Kind, str]]:
    return [(token.kind, token.text) for token in tokens(text)]


def test_each_kind() -> None:
    assert read('/** About a. */ a?: "b\\"" | \'c\\\'"\' | -1.5e2; // no\n/* no */ /**/') == [
        (Kind.COMMENT, " About a. "),
        (Kind.NAME, "a"),
        (Kind.MARK, "?"),
        (Kind.MARK, ":"),
        (Kind.TEXT, 'b"'),
        (Kind.MARK, "|"),
        (Kind.TEXT, "c'\""),
        (Kind.MARK, "|"),
        (Kind.NUMBER, "-1.5e2"),
        (Kind.MARK, ";"),
        (Kind.END, ""),
    ]


def test_escapes_of_texts() -> None:
    assert read(r'"\u00e9\n\q"')[0] == (Kind.TEXT, r"\u00e9\n\q")
    assert read(r'"\u00e9\n"')[0] == (Kind.TEXT, "é\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a\n  "b', "line 2, column 3: expected the end of a text in this line, found none"),
        ("'b\n'", "line 1, column 1: expected the end of a text"),
        ("a /* b", "line 1, column 3: expected a comment with an end, found none"),
        ("a / b", "line 1, column 3: expected a comment with an end"),
        ("\na#b", "line 2, column 2: expected TypeScript, found '#b'"),
    ],
)
def test_what_is_no_typescript(text: str, message: str) -> None:
    with pytest.raises(BadTypes) as found:
        list(tokens(text))
    assert str(found.value).startswith(message)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_any_text_has_tokens_or_a_place(text: str) -> None:
    found = tokens_or_problem(text)
    if isinstance(found, BadTypes):
        lines = text.split("\n")
        assert 0 < found.line <= len(lines)
        assert 0 < found.column <= len(lines[found.line - 1]) + 1
    else:
        assert found[-1].kind is Kind.END
        assert [token.position for token in found] == sorted({token.position for token in found})


def tokens_or_problem(text: str) -> list[Token] | BadTypes:
    try:
        return list(tokens(text))
    except BadTypes as error:
        return error
