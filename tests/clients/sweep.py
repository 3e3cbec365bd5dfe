"""Searches all that falmock wrote in a test run for the secrets of the tests."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

from clients import running

SECRETS: set[str] = {running.KEY.partition(":")[2]}
"""The apps' key, and what stand-ins issued: tokens, cookies, signatures."""
MOST = 1024 * 1024
"""A file of more bytes than this is a large asset, which contains no secret."""


def leaks() -> list[str]:
    """A line for each secret that was found, and where."""
    outputs = ((f"the output of {mock.process.args!r}", mock.output) for mock in running.STARTED)
    places = [*outputs, *_files(_folders())]
    return [line for place, text in places for line in _found(place, text)]


def _found(place: str, text: str) -> Iterator[str]:
    for secret in SECRETS:
        if secret in text:
            at = text.index(secret)
            yield f"{secret!r} is in {place}: ...{text[max(0, at - 80) : at + 80]!r}..."


def _folders() -> set[Path]:
    """The folders of recordings. Fixtures that tests wrote by hand may contain anything."""
    found = set()
    for mock in running.STARTED:
        args = [str(arg) for arg in mock.process.args]
        if "fal_mode=record" in args or "fal_mode=auto" in args:
            found |= {Path(arg.partition("=")[2]) for arg in args if arg.startswith("fal_fixtures=")}
    return found


def _files(folders: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and path.stat().st_size <= MOST:
                yield f"{path}", path.read_bytes().decode("latin-1")
