"""What the recorder wants done, as data; the caller writes, fetches and logs."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from falmock.recording.uploads import File
from falmock.wire.message import Content


class Level(enum.Enum):
    """The log level of a message."""

    INFO = "info"
    WARNING = "warning"


class Tell(NamedTuple):
    """A message for the user."""

    text: str
    level: Level = Level.INFO


class Save(NamedTuple):
    """A fixture to write: an entry of a fixture file (`match`, `response`, `queue`, `recorded`).

    `name` describes the call in the file's name, `about` in messages. `asked` is when the call was made (seconds
    since the epoch); answers of one match take turns in this order. `urls` are the file URLs in the answer, unchanged,
    by `uploads.url_key`, which are fetched at the end; `links` are the keys of URLs that are files if the app downloads
    them. `contents` are assets that the entry refers to, with their types. `is_cut`: the client left
    before the answer was complete, so the rest is unknown.
    """

    entry: dict[str, Any]
    name: str
    about: str
    asked: float
    urls: dict[str, str]
    contents: tuple[tuple[Content, str], ...] = ()
    is_cut: bool = False
    links: frozenset[str] = frozenset()


class Link(NamedTuple):
    """The content of a file URL became known: it is kept as an asset and replaces the URL in fixtures."""

    url: str
    content: Content
    content_type: str


class Known(NamedTuple):
    """The content that the app uploaded to a file URL became known."""

    file: File


Outcome = Tell | Save | Link | Known


def carry_out(
    outcome: Outcome,
    *,
    tell: Callable[[Tell], None],
    learn: Callable[[File], None],
    write: Callable[[Save | Link], object],
) -> None:
    """Hand an outcome to the one who sees to it: `learn` takes files that became known, `write` what goes to disk."""
    if isinstance(outcome, Tell):
        tell(outcome)
    elif isinstance(outcome, Known):
        learn(outcome.file)
    else:
        write(outcome)
