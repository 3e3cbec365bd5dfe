"""Finds secrets in URLs and forms by the names of their parameters."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from urllib.parse import unquote

from falmock.redaction.patterns import DOUBTFUL_NAMES
from falmock.redaction.patterns import HIDDEN
from falmock.redaction.patterns import HIDDEN_PARAMETER
from falmock.redaction.patterns import SECRET_NAMES
from falmock.redaction.patterns import SecretSpan
from falmock.redaction.patterns import is_placeholder
from falmock.redaction.patterns import is_secret_field
from falmock.redaction.patterns import plain

_SIGNATURES = frozenset(["hmac", "sig", "signature", "xamzsignature", "xgoogsignature"])
_PARAMETERS = frozenset(["awsaccesskeyid", "googleaccessid", "identity", "key", "keypairid", "policy"])
_BESIDE_SIGNATURE = frozenset(
    ["expires", "se", "sip", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "srt", "ss", "st", "sv"]
)
"""Parameters of signed URLs (CloudFront, Google, Azure) whose names have other meanings elsewhere."""
_SIGNING = ("xamz", "xgoog")
_CREDENTIAL_PARAMETERS = _SIGNATURES | frozenset({"identity", "xamzcredential", "xgoogcredential"})


_QUERY = re.compile(r"\?(?:[^\s\"'<>#\\]|\\u0026)+")
# A value ends before `&`, and before a `?` that begins the query of a URL within it.
_PAIR = re.compile(
    r"(?:^|&amp;|\\u0026|[&?])([\w.~%-]{1,64})=([^&?\\]*(?:(?:\\(?!u0026)|\?(?![\w.~%-]{1,64}=))[^&?\\]*)*)"
)
# Not a short user name alone, and not mitmproxy's `reverse:https://host:1@8081`, where a port follows.
_USER = re.compile(r"://([^/\s@:\"'<>?#\\]*:[^/\s\"'<>?#\\]+|[\w.~%-]{16,})@(?!\d{1,5}(?![\w.-]))")
_WORD = re.compile(r"[^\s\"'`<>\\#]+")
_TAIL = ").,;]}"


def credential_parameters(query: str, names: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """The decoded values in a query string that are credentials by their name, and whether the name is unambiguous."""
    for pair in _PAIR.finditer(query):
        bare = plain(unquote(pair[1]))
        sure = bare in SECRET_NAMES or bare in names
        if sure or bare in _CREDENTIAL_PARAMETERS or bare in DOUBTFUL_NAMES or bare == "key":
            yield unquote(pair[2].replace("+", " ")), sure


def in_urls(text: str, names: frozenset[str]) -> Iterator[SecretSpan]:
    """The secrets in URLs: user info, and values of query parameters."""
    if "://" in text:
        for user in _USER.finditer(text):
            if not is_placeholder(user[1]):
                yield SecretSpan(*user.span(1), "user in a URL", HIDDEN_PARAMETER)
    if "?" in text and "=" in text:
        for query in _QUERY.finditer(text):
            for pair, is_secret in _parameters(query[0], names):
                if is_secret:
                    yield from _value(pair, query.start(), HIDDEN_PARAMETER)


def in_forms(text: str, names: frozenset[str]) -> Iterator[SecretSpan]:
    """The secrets in forms: `name=text&api_key=...`, of two fields or more."""
    if "&" in text and "=" in text:
        for word in _WORD.finditer(text):
            if "&" in word[0] and "=" in word[0]:
                for pair in _PAIR.finditer(word[0]):
                    if is_secret_field(unquote(pair[1]), unquote(pair[2]), names):
                        yield from _value(pair, word.start(), HIDDEN)


def _value(pair: re.Match[str], offset: int, replacement: str) -> Iterator[SecretSpan]:
    """The value of a parameter, unless it is a placeholder; `offset` is where the query begins."""
    start, end = pair.span(2)
    end -= len(pair[2]) - len(pair[2].rstrip(_TAIL))
    if start < end and not is_placeholder(pair.string[start:end]):
        yield SecretSpan(start + offset, end + offset, f"{pair[1]} in a URL", replacement)


def _parameters(query: str, names: frozenset[str]) -> Iterator[tuple[re.Match[str], bool]]:
    """The parameters of a query, and whether their value is a secret by their name."""
    pairs = [(plain(unquote(pair[1])), pair) for pair in _PAIR.finditer(query)]
    signed = not _SIGNATURES.isdisjoint(name for name, _ in pairs)
    for name, pair in pairs:
        yield pair, _is_secret_parameter(name, names, signed=signed)


def _is_secret_parameter(name: str, names: frozenset[str], *, signed: bool) -> bool:
    known = name in SECRET_NAMES or name in DOUBTFUL_NAMES or name in _SIGNATURES or name in _PARAMETERS
    return known or name in names or name.startswith(_SIGNING) or (signed and name in _BESIDE_SIGNATURE)


def widened(text: str, spans: list[SecretSpan]) -> Iterator[SecretSpan]:
    """The quoted values of parameters with a secret in them: what stands in place of a part would be half a URL."""
    if not spans or "?" not in text or "%" not in text:
        return
    starts = sorted(span.start for span in spans)
    for query in _QUERY.finditer(text):
        for pair in _PAIR.finditer(query[0]):
            start, end = (query.start() + place for place in pair.span(2))
            if "%" in pair[2] and bisect_left(starts, start) < bisect_left(starts, end):
                yield from _value(pair, query.start(), HIDDEN_PARAMETER)
