"""What was set up in a scope, and in all scopes: the records that every call depends on.

They are small: what they name is in other records, which never change. Every change writes a new one, so a call that was
decided by an older one is not committed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote
from urllib.parse import unquote

from falmock.engine.shared.forms import Form
from falmock.engine.shared.transaction import SETUP

KEPT = 7 * 24 * 3600.0
"""How long (seconds) what was set up is kept after the last use of its scope."""
REFRESHED = KEPT / 4
"""After how many seconds a scope in use is written again, so that it is kept."""


class Added(NamedTuple):
    """A batch of added fixtures: its name, the digest of its record, and the digests of the files in it."""

    name: str
    digest: str
    files: tuple[str, ...] = ()


class Setup(NamedTuple):
    """What was set up in one scope."""

    epoch: int = 0
    """The reset of all scopes (see Common) after which this was written: an older one is not true any more."""
    generation: int = 0
    """Counts the resets of the scope in its epoch."""
    exists: bool = False
    """Whether the scope was used since it was reset or dropped."""
    batches: tuple[Added, ...] = ()
    """The added fixtures, in order."""
    rules: str = ""
    """The digest of the record of the fault rules, "" for none."""
    pace: str | None = None
    """The scope's own pace, as a user wrote it."""
    numbered: int = 0
    """How many names for batches and rules were given out."""
    written: float = 0.0
    """When this was written, in seconds since the epoch."""
    alias: tuple[str, int] | None = None
    """The scope (see `tag`) that calls of this one belong to, and how often that was dropped by then."""
    drops: int = 0
    """How often this scope was dropped: aliases of it that were made before are over."""
    journal: int = 0
    """How often its journal was cleared since its last reset."""

    def renewed(self, epoch: int, *, is_named: bool) -> Setup:
        """The setup after a reset. A named scope begins to count its batches anew."""
        generation = self.generation + 1 if epoch == self.epoch else 0
        numbered = 0 if is_named else self.numbered
        return Setup(epoch, generation, numbered=numbered, alias=self.alias, drops=self.drops)


class Common(NamedTuple):
    """What was set up for all scopes."""

    epoch: int = 0
    """Counts the resets of all scopes."""
    batches: tuple[Added, ...] = ()
    """The fixtures added to all scopes, in order."""
    numbered: int = 0
    """How many names for such batches were given out."""
    changes: int = 0
    """How often such batches were added or removed: what they answer begins a new sequence each time."""
    has_files: bool = False
    """Whether a fixture with files was added in this epoch."""
    steered: int = 0
    """How often what was set by aimock's control API was forgotten in all scopes."""
    written: float = 0.0
    """When this was written, in seconds since the epoch."""


NO_SETUP = Setup()
NO_COMMON = Common()
_SETUP = Form("setup", 1, Setup)
_COMMON = Form("setup of all scopes", 1, Common)
COMMON_KEY = f"{{}}:all{SETUP}"
"""The key of the record of all scopes."""

setup_bytes = _SETUP.write
common_bytes = _COMMON.write


@lru_cache(maxsize=4096)
def setup_of(data: bytes) -> Setup:
    """The setup of these bytes. Raises UnknownForm."""
    return _SETUP.read(data)


@lru_cache(maxsize=8)
def common_of(data: bytes) -> Common:
    """The setup of all scopes of these bytes. Raises UnknownForm."""
    return _COMMON.read(data)


@lru_cache(maxsize=4096)
def tag(scope: str) -> str:
    """The name of a scope as a key has it: no name can be taken for another, or for the end of it."""
    return quote(scope, safe=" /:@+,;=~", errors="surrogatepass")


def of_tag(text: str) -> str:
    """The scope with this tag."""
    return unquote(text, errors="surrogatepass")


def setup_key(scope: str) -> str:
    """The key of the record of a scope."""
    return f"{{{tag(scope)}}}{SETUP}"
