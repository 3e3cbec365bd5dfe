"""A fault that strikes one call."""

from __future__ import annotations

from typing import NamedTuple

from falmock.engine.chance import Chance
from falmock.fixtures.fault import Fault


class Strike(NamedTuple):
    """A fault that strikes a call. `source` says where it was asked for, `chance` decides what it leaves open."""

    fault: Fault
    source: str
    chance: Chance
