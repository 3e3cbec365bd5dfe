"""Finds many texts in one, in a time that hardly depends on how many there are.

In what is searched, every eighth byte begins a window of eight bytes. Wherever a text occurs in it, one of its own first
windows is at such a place: so each text is known by eight of its windows, one for each remainder of their places by
eight. As a window is as large as an integer, looking at all of them is one pass over an array. Adding a text adds eight
integers, so nothing is built anew. Shorter texts have windows of four bytes, at every second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Literal

FEW = 12
"""Up to this many texts, each is searched for by itself, which is faster."""
_GOOD = 4
_FULL = 16
"""How many different lengths and places of texts a window may have: each costs time wherever the window is."""
_LENGTH = 1 << 16
"""More than the length of a text."""


class _Index:
    """The windows of texts; `form` and `size` are the array type and size of a window (bytes), `step` is as above."""

    def __init__(self, form: Literal["Q", "I"], size: int, step: int) -> None:
        self._form, self._size, self._step = form, size, step
        self.shortest = size + step - 1
        self._windows: dict[int, dict[int, int]] = {}
        """By window: the places and lengths of the texts that have it, as one number, and how many texts those are."""
        self._texts: dict[bytes, tuple[int, ...]] = {}
        """By text: the places of its windows."""

    def add(self, text: bytes) -> None:
        """Index a text."""
        places = self._texts[text] = tuple(self._place_of(text, first) for first in range(self._step))
        for place in places:
            uses = self._windows.setdefault(self._window(text, place), {})
            code = place * _LENGTH + len(text)
            uses[code] = uses.get(code, 0) + 1
            if len(uses) > _FULL:
                del uses[next(iter(uses))]

    def _place_of(self, text: bytes, first: int) -> int:
        """The place of a window that few other texts have. The end first: many tokens begin alike."""
        last = len(text) - self._size - (len(text) - self._size - first) % self._step
        middle = first + (last - first) // 2 // self._step * self._step
        best, fewest = last, _FULL + 1
        for place in dict.fromkeys((last, first, middle)):
            uses = self._windows.get(self._window(text, place), {})
            if len(uses) < _GOOD or place * _LENGTH + len(text) in uses:
                return place
            if len(uses) < fewest:
                best, fewest = place, len(uses)
        return best

    def _window(self, text: bytes, place: int) -> int:
        return int.from_bytes(text[place : place + self._size], sys.byteorder)

    def remove(self, text: bytes) -> None:
        """Forget a text."""
        for place in self._texts.pop(text):
            window, code = self._window(text, place), place * _LENGTH + len(text)
            uses = self._windows.get(window, {})
            if uses.get(code, 0) > 1:
                uses[code] -= 1
            elif uses.pop(code, 0) and not uses:
                del self._windows[window]

    def found_in(self, data: bytes) -> Iterator[tuple[int, int]]:
        """The start and end of each text in the data."""
        if len(self._texts) <= FEW:
            for text in tuple(self._texts):
                if text in data:
                    yield from _occurrences(data, text)
            return
        for first in range(0, self._size, self._step):
            view = memoryview(data)[first:]
            windows = view[: len(view) // self._size * self._size].cast(self._form)
            known = self._windows.keys() & windows
            if known:
                yield from self._verified(data, first, windows, known)

    def _verified(
        self, data: bytes, first: int, windows: memoryview[int], known: set[int]
    ) -> Iterator[tuple[int, int]]:
        begin = done = -1
        for number, window in enumerate(windows):
            if window in known:
                at = first + number * self._size
                for code in tuple(self._windows.get(window, ())):  # a copy, as another thread may add texts meanwhile
                    place, length = divmod(code, _LENGTH)
                    start = at - place
                    if start < 0 or (begin <= start and start + length <= done):
                        continue
                    if data[start : start + length] in self._texts:
                        begin, done = start, start + length
                        yield begin, done


class Windows:
    """Texts of 6 bytes to 64 KiB, in two indexes: those that are long enough for large windows, and the others."""

    def __init__(self) -> None:
        self._indexes = (_Index("Q", 8, 8), _Index("I", 4, 2))
        self._counts: dict[bytes, int] = {}

    def add(self, text: bytes) -> None:
        """Search for a text from now on. It may be added several times, and is then to be removed as often."""
        self._counts[text] = self._counts.get(text, 0) + 1
        if self._counts[text] == 1:
            self._index_of(text).add(text)

    def remove(self, text: bytes) -> None:
        """Take back one `add`."""
        self._counts[text] -= 1
        if not self._counts[text]:
            del self._counts[text]
            self._index_of(text).remove(text)

    def _index_of(self, text: bytes) -> _Index:
        large, small = self._indexes
        return large if len(text) >= large.shortest else small

    def found_in(self, data: bytes) -> Iterator[tuple[int, int]]:
        """The start and end (bytes) of each text in the data, unordered."""
        for index in self._indexes:
            yield from index.found_in(data)


def _occurrences(data: bytes, text: bytes) -> Iterator[tuple[int, int]]:
    start = data.find(text)
    while start >= 0:
        yield start, start + len(text)
        start = data.find(text, start + len(text))
