"""The user's own key, which modes need that send calls to fal."""

from __future__ import annotations

import os

from falmock.cli.launch.output import tell

_REPLAY = "replay"
_KEYS = ("FAL_KEY", "FAL_KEY_ID")


def is_missing(mode: str) -> bool:
    """Whether the user has to give a key in this mode and has not; then it is told."""
    if mode == _REPLAY or any(os.environ.get(name) for name in _KEYS):
        return False
    tell(f"FAL_KEY is not set. Mode {mode} sends calls to fal, which takes your key: export FAL_KEY=...")
    return True
