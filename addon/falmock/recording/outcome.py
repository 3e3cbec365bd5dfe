"""What the recorder wants done about what it saw, as data. An edge writes, fetches and logs."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from falmock.recording.uploads import File
from falmock.wire.message import Content


class Level(enum.Enum):
    """How loudly something is told."""

    INFO = "info"
    WARNING = "warning"


class Tell(NamedTuple):
    """Something the user should know, in words."""

    text: str
    level: Level = Level.INFO


class Save(NamedTuple):
    """A fixture to be written: an entry of a fixture file (`match`, `response`, `queue`, `recorded`).

    `name` tells what the call was about, for the file's name; `about` names the call to people. `asked` is when the
    call was made (seconds since the epoch): it is by this that answers of one match take turns. `urls` are the file
    URLs that the answer names, by `storage.url_key`, as they came; `contents` are assets that the entry refers to.
    `is_cut` says that the client left while it was being answered, so that what else would have come is not known.
    """

    entry: dict[str, Any]
    name: str
    about: str
    asked: float
    urls: dict[str, str]
    contents: tuple[tuple[Content, str], ...] = ()
    is_cut: bool = False


class Link(NamedTuple):
    """The content of a file URL became known: it is kept as an asset, and takes the URL's place in fixtures."""

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
