"""What the formats of captures share: their entries, and the reasons why a file or an entry cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Session

LATEST = 1e11
"""The end of the times that a capture may have (seconds since the epoch): later ones are no dates."""
BETWEEN = "\n"
"""What separates the captures of one import: mitmproxy's `-r` takes one path, and `falmock import` reads several."""
Attached = Callable[[str], bytes]
"""Returns the content of a file that a capture names, relative to the capture. Raises NotAttached."""


class NotACapture(ValueError):
    """A file that is no capture that can be read; the text says what was expected and what was found."""


class NotAttached(LookupError):
    """A file that a capture names cannot be read; the text says which and why."""


class Unusable(NamedTuple):
    """An entry that cannot be used: what it is, and why; its method and URL if they are known, else ""."""

    what: str
    why: str
    method: str = ""
    url: str = ""


Entry = Exchange | Session | Unusable
