"""Searches a text for secrets, and all that is wrapped in it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable

from falmock.redaction import layers
from falmock.redaction.patterns import HIDDEN
from falmock.redaction.patterns import SecretSpan

_ROUNDS = 4
Find = Callable[[str], Iterable[SecretSpan]]
"""Finds the secrets in a text as it is."""
_TIMES = 12
_MORE = 64 * 1024
"""All layers of a text together may have `_TIMES` its length and `_MORE` characters: short texts may be wrapped in many ways."""


def search(text: str, find: Find, holds: Callable[[bytes], bool] | None) -> list[SecretSpan]:
    """The secrets in a text, also in JSON, URLs, base64 and hexadecimal digits within it, at most `layers.DEPTH` deep.

    What is deeper counts as a secret, as does what is wrapped in so many ways that looking would take long. `holds` says
    whether bytes that are no text have a secret; None if they cannot.
    """
    return _Search(find, holds, _TIMES * len(text) + _MORE).spans(text, layers.DEPTH)


class _Search:
    def __init__(self, find: Find, holds: Callable[[bytes], bool] | None, left: int) -> None:
        self._find = find
        self._holds = holds
        self._left = left
        self._encoded: dict[str, int] = {}

    def spans(self, text: str, depth: int) -> list[SecretSpan]:
        """The secrets in a text; `depth` is how many layers may follow."""
        self._left -= len(text)
        spans = list(self._find(text))
        for part in layers.encoded(text):
            start = self._secret_in(part.digits, depth)
            if start >= 0:
                spans.append(SecretSpan(part.start + start, part.end, "encoded secret"))
        layer = layers.unescaped(text)
        if layer is None:
            return spans
        if depth == 0 or self._left < 0:
            return spans + [SecretSpan(*place, "too deep to see") for place in layers.deeper(text)]
        for span in self.spans(layer.text, depth - 1):
            start, end = layer.source(span.start, span.end)
            spans.append(span._replace(start=start, end=end))
        return spans

    def _secret_in(self, digits: str, depth: int) -> int:
        """Where base64 or hexadecimal digits begin that stand for something with a secret; -1 if none do."""
        known = self._encoded.get(digits)
        if known is None:
            contents = layers.contents(digits, all_bytes=self._holds is not None)
            known = next((start for start, data in contents if self._has_secret(data, depth)), -1)
            self._encoded[digits] = known
        return known

    def _has_secret(self, data: bytes, depth: int) -> bool:
        if self._holds is not None and self._holds(data):
            return True
        if not layers.is_text(data):
            return False
        return depth == 0 or self._left < 0 or bool(self.spans(layers.text_of(data), depth - 1))


def merged(spans: Iterable[SecretSpan]) -> list[SecretSpan]:
    """The spans in order, with overlapping ones merged; the first of them, of several the longest, gives the name."""
    merged: list[SecretSpan] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return merged


def hidden(text: str, find: Callable[[str], list[SecretSpan]]) -> str:
    """The text with all spans replaced that `find` returns; the same object if there are none."""
    for _ in range(_ROUNDS):  # a replacement may create the shape of a secret
        spans = find(text)
        if not spans:
            return text
        parts = []
        end = 0
        for span in merged(spans):
            parts += [text[end : span.start], span.replacement]
            end = span.end
        text = "".join(parts) + text[end:]
    return HIDDEN if find(text) else text
