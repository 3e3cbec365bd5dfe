"""How files are written to a store: what a path holds, what was promised, and what is known of a content."""

from __future__ import annotations

from typing import NamedTuple

from falmock.engine.shared.forms import Form
from falmock.synthesis.media.recipe import Recipe


class Held(NamedTuple):
    """What is known of a content, by its digest: as it was uploaded first. `since` is when it was last seen to be used.

    `place` names the folder that has it, "" is the store itself.
    """

    name: str
    content_type: str
    size: int
    since: float
    place: str = ""


class Filled(NamedTuple):
    """The content of a path, and the type that it is served as."""

    sha256: str
    content_type: str


class PathForm(NamedTuple):
    """What the URL path with a key holds: `filled` is what calls match by, `served` is only served."""

    key: str
    filled: Filled | None = None
    served: Filled | None = None
    since: float = 0.0

    @property
    def serves(self) -> Filled | None:
        """What a download gets."""
        return self.served or self.filled


class PromiseForm(NamedTuple):
    """See PromisedUpload; its parts are a record of their own."""

    key: str
    name: str
    content_type: str
    is_recorded: bool
    since: float


class PartForm(NamedTuple):
    """The content of a part."""

    sha256: bytes
    size: int


class MadeForm(NamedTuple):
    """A file to make, whose text has no secrets."""

    key: str
    recipe: Recipe
    since: float


HELD = Form("content", 1, Held)
PATH = Form("file", 1, PathForm)
PROMISE = Form("promised file", 1, PromiseForm)
PARTS = Form("list of parts", 1, dict[int, PartForm])
COUNT = Form("count of promises", 1, int)
MADE = Form("made file", 1, MadeForm)
MADE_AS = Form("digest of a made file", 1, str)
