"""How falmock was asked to work: one immutable value, built in one place by an edge."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from dataclasses import field

from falmock.engine.pace import INSTANT
from falmock.engine.pace import Pace
from falmock.fixtures.redaction import NO_RULES
from falmock.fixtures.redaction import SecretRules
from falmock.fixtures.volatile import NOTHING_IGNORED
from falmock.fixtures.volatile import Ignores
from falmock.wire.auth import ANYONE
from falmock.wire.auth import AuthRule
from falmock.wire.hosts import Hosts


class Mode(enum.Enum):
    """What happens to a call."""

    REPLAY = "replay"
    """Answered here; nothing reaches fal."""
    RECORD = "record"
    """Forwarded to fal; what comes back becomes fixtures."""
    AUTO = "auto"
    """Answered here where a fixture matches; the rest is forwarded and recorded."""
    PASSTHROUGH = "passthrough"
    """Forwarded to fal, nothing written."""

    @property
    def records(self) -> bool:
        """Whether forwarded calls become fixtures."""
        return self in (Mode.RECORD, Mode.AUTO)

    @property
    def answers(self) -> bool:
        """Whether calls can be answered here, so that no connection is needed for them."""
        return self in (Mode.REPLAY, Mode.AUTO)


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
    ignore: Ignores = NOTHING_IGNORED
    """What in inputs does not count, in matching and in recordings."""
    redact: SecretRules = NO_RULES
    """What is hidden besides what is always hidden."""
    webhook_hosts: tuple[str, ...] = ()
    """The hosts (names or globs) that webhooks are posted to; none for any but fal's."""
    faults: tuple[str, ...] = ()
    """The files with rules for what goes wrong."""
    record_errors: bool = False
    """Whether fal's own trouble (401, 403, 429, 502, 503, the gateway's errors) is recorded too."""
    record_assets: bool = True
    """Whether files that recorded answers name and nobody downloaded are fetched at the end."""
