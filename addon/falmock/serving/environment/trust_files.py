"""The files that make programs trust the CA, kept beside it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from falmock.serving.trust import CA_FILE


class TrustFiles(NamedTuple):
    """The certificate of the CA."""

    ca: Path


def write(confdir: Path) -> TrustFiles:
    """The files in the folder of the CA, which are written where they are missing. Raises OSError."""
    return TrustFiles(confdir / CA_FILE)
