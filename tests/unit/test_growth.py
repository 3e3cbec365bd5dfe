"""No text takes time beyond its length: every regular expression of the package, and every function that loops over texts.

It compares CPU times of texts of n and 8n characters, as `test_growth_of_functions.py` does; no other test compares times.
"""

from __future__ import annotations

import re

import pytest

from unit import growth

PATTERNS = growth.patterns()
QUADRATIC = (
    r"(?<![A-Za-z0-9])eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]{3,}",
    r"\?(?:[^\s#]*&)?(?i:signature|sig)=[^\s#]*",
    r"\?([^\s?]|\\u0026|\?)+!",
    r"\s+$",
    r"\w+://",
    r"a.*b",
    r"x(?=.*y)",
    r"(?<!\w)sk-(?=[\w-]*\d)[\w-]{20,}",
    r"<[^>]*>",
    r"-----BEGIN .*?-----END",
    r"(a+)+$",
    r"(a|a)*$",
    r"(?:[^\"\\]|\\.)*\"",
    r"[^]*?]*$",
    r"data:([\w.+-]+/[\w.+-]+)?[^,]*,",
)
_MAKERS = {
    "falmock.gateway.control.door._pattern",  # called once, for a constant
    "falmock.redaction.known_shapes._shape",  # called for constants alone
    "falmock.wire.formats.regex.__init__",  # a pattern of a user
    "falmock.wire.formats.regex_syntax._class",  # one class of such a pattern
}
LINEAR = (r"\d{1,15}", r"[A-Za-z][\w+.-]{0,20}://", r"\s+", r"<[^<>]{0,64}>", r"(?=.{1,253}$)[a-z]", r"<[^<>]*>")


def _id(found: growth.Found) -> str:
    return f"{found.place}:{found.pattern.pattern[:30]!r}"


@pytest.mark.parametrize("pattern", QUADRATIC)
def test_a_quadratic_pattern_is_found(pattern):
    assert growth.pattern_grows(re.compile(pattern))


@pytest.mark.parametrize("pattern", LINEAR)
def test_a_linear_pattern_is_not_reported(pattern):
    assert growth.pattern_grows(re.compile(pattern)) is None


def test_a_pattern_that_is_only_fullmatched_may_be_quadratic_in_searches():
    assert growth.pattern_grows(re.compile(r"[\w-]+://"), {"fullmatch"}) is None
    assert growth.pattern_grows(re.compile(r"[\w-]+://"), {"fullmatch", "search"})


@pytest.mark.parametrize("found", PATTERNS, ids=_id)
def test_a_pattern_of_the_package_is_linear(found):
    assert growth.pattern_grows(found.pattern, found.uses) is None, f"{found.pattern.pattern!r} in {found.place}"


def test_patterns_are_not_made_in_functions():
    assert not set(growth.made_in_functions()) - _MAKERS, (
        "make it a constant of the module, where it is found and measured"
    )
