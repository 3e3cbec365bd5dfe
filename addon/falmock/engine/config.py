"""How falmock was asked to work: one immutable value, built in one place by an edge."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from dataclasses import field

from falmock.engine.pace import INSTANT
from falmock.engine.pace import Pace
from falmock.wire.auth import ANYONE
from falmock.wire.auth import AuthRule
from falmock.wire.hosts import Hosts


class Mode(enum.Enum):
    """What happens to a call."""

    REPLAY = "replay"
    """Answered here; nothing reaches fal."""
    PASSTHROUGH = "passthrough"
    """Forwarded to fal, nothing written."""


@dataclass(frozen=True, slots=True)
class Config:
    """`job_ttl` is in seconds; `fixtures` are the directories and files to load, none for the default."""

    mode: Mode = Mode.REPLAY
    fixtures: tuple[str, ...] = ()
    pace: Pace = INSTANT
    pace_text: str = "instant"
    auth: AuthRule = ANYONE
    hosts: Hosts = field(default_factory=Hosts)
    job_ttl: float = 3600.0
    max_jobs: int = 10_000
