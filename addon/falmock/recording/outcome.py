"""What the recorder wants done, as data; the caller writes, fetches, counts and logs.

Every call is counted in one outcome: a Save, a Link, SelfAnswered or NotRecorded. Those about a job are counted together,
when the job is over.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from falmock.recording.uploads import File
from falmock.wire.message import Content


class Level(enum.Enum):
    """The log level of a message."""

    DEBUG = "debug"
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
    them. `contents` are assets that the entry refers to, with their types. `is_cut`: the client left before the answer
    was complete, so the rest is unknown. `calls` is how many calls it is made of; 0 if another outcome counts them.
    """

    entry: dict[str, Any]
    name: str
    about: str
    asked: float
    urls: dict[str, str]
    contents: tuple[tuple[Content, str], ...] = ()
    is_cut: bool = False
    links: frozenset[str] = frozenset()
    calls: int = 1


class Link(NamedTuple):
    """The content of a file URL became known: it is kept as an asset and replaces the URL in fixtures.

    `calls` is how many downloads it comes from; 0 if nobody counts them.
    """

    url: str
    content: Content
    content_type: str
    calls: int = 1


class Known(NamedTuple):
    """The content that the app uploaded to a file URL became known."""

    file: File


class SelfAnswered(NamedTuple):
    """A call that needs no fixture, because falmock answers such calls by itself in replay; `what` they are, in plural."""

    what: str


class NotRecorded(NamedTuple):
    """Calls that are not recorded: what they are, and why.

    `calls` is 0 for a part of a call that another outcome counts. A `level` of DEBUG is for what was told before.
    """

    about: str
    why: str
    calls: int = 1
    level: Level = Level.WARNING

    @property
    def text(self) -> str:
        """The message for the user."""
        return f"{self.about} is not recorded: {self.why}"


Outcome = Tell | Save | Link | Known | SelfAnswered | NotRecorded


def contents_of(outcome: Save | Link) -> tuple[tuple[Content, str], ...]:
    """The contents that become assets, with their types."""
    return outcome.contents if isinstance(outcome, Save) else ((outcome.content, outcome.content_type),)


def what_of(outcome: Save | Link) -> str:
    """What an outcome is, in messages."""
    return outcome.about if isinstance(outcome, Save) else f"the file {outcome.url}"


def carry_out(
    outcome: Outcome,
    *,
    tell: Callable[[Tell], None],
    learn: Callable[[File], None],
    write: Callable[[Save | Link], object],
) -> None:
    """Hand an outcome to the one who sees to it: `learn` takes files that became known, `write` what goes to disk."""
    if isinstance(outcome, NotRecorded):
        tell(Tell(outcome.text, outcome.level))
    elif isinstance(outcome, Tell):
        tell(outcome)
    elif isinstance(outcome, Known):
        learn(outcome.file)
    elif not isinstance(outcome, SelfAnswered):
        write(outcome)


def uncounted(outcomes: list[Outcome]) -> list[Outcome]:
    """The same outcomes, for calls that are counted already or not at all."""
    return [
        outcome._replace(calls=0) if isinstance(outcome, Save | Link | NotRecorded) else outcome
        for outcome in outcomes
        if not isinstance(outcome, SelfAnswered)
    ]


def of_session(outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes of a socket session, which counts as one call: in its first fixture, else with the reason for none."""
    saves: list[Outcome] = [outcome for outcome in outcomes if isinstance(outcome, Save)]
    counting = saves or [outcome for outcome in outcomes if isinstance(outcome, NotRecorded)]
    if not counting:
        return [*outcomes, SelfAnswered("sockets without messages")]
    first = outcomes.index(counting[0])
    return [*uncounted(outcomes[:first]), counting[0], *uncounted(outcomes[first + 1 :])]
