"""The configuration of falmock: one immutable value, built in one place by an edge."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from dataclasses import field
from ipaddress import IPv4Address
from ipaddress import IPv6Address

from falmock.engine.jobs.pace import INSTANT
from falmock.engine.jobs.pace import Pace
from falmock.fixtures.matching.miss import STARTED
from falmock.fixtures.matching.volatile import NOTHING_IGNORED
from falmock.fixtures.matching.volatile import Ignores
from falmock.redaction.rules import NO_RULES
from falmock.redaction.rules import SecretRules
from falmock.wire.auth import ANYONE
from falmock.wire.auth import AuthRule
from falmock.wire.hosts import Hosts

MEMORY = "memory"
"""The store of a process that shares its state with no other."""


class Mode(enum.Enum):
    """What happens to a call."""

    REPLAY = "replay"
    """Answered here; nothing reaches fal."""
    RECORD = "record"
    """Forwarded to fal; what comes back becomes fixtures."""
    AUTO = "auto"
    """Answered here if a fixture matches; other calls are forwarded and recorded."""
    PASSTHROUGH = "passthrough"
    """Forwarded to fal, nothing written."""

    @property
    def records(self) -> bool:
        """Whether forwarded calls become fixtures."""
        return self in (Mode.RECORD, Mode.AUTO)

    @property
    def answers(self) -> bool:
        """Whether calls can be answered here, so that no connection is needed for them."""
        return self is Mode.REPLAY or self is Mode.AUTO


class Fast(enum.Enum):
    """Whether calls are answered below mitmproxy's HTTP layers."""

    AUTO = "auto"
    """Where nobody looks at flows."""
    ON = "on"
    OFF = "off"


class Misses(enum.Enum):
    """What happens in replay to a call that no fixture answers."""

    FAIL = "fail"
    """404 with a report."""
    SYNTHESIZE = "synthesize"
    """An answer is made: by the model's schema, else guessed from the endpoint id."""


class Validate(enum.Enum):
    """What happens to an input that the model's schema refuses, where a fixture answers."""

    WARN = "warn"
    """The answer stays, with a warning."""
    ON = "on"
    """It is refused as fal refuses it."""
    OFF = "off"
    """Nothing."""


class Inspector(enum.Enum):
    """What the inspector's page may do. Where others than this machine call, `control_token` decides besides."""

    OFF = "off"
    """There is no page."""
    READ = "read"
    """It shows what happened; changes by web pages are refused."""
    WRITE = "write"
    """It may change what programs may change through the control API."""


class Dialect(enum.Enum):
    """Whose answers aimock's routes give where aimock's differ from fal's."""

    FAL = "fal"
    AIMOCK = "aimock"


class ProxyProfile(enum.Enum):
    """Whose rules falmock's server-side proxy follows."""

    DOCUMENTED = "documented"
    """The formula in fal's documentation."""
    OFFICIAL = "official"
    """What the package @fal-ai/server-proxy does."""


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
    misses: Misses = Misses.FAIL
    validate: Validate = Validate.WARN
    ignore: Ignores = NOTHING_IGNORED
    """Parts of inputs that matching and recordings ignore."""
    redact: SecretRules = NO_RULES
    """What to redact in addition to the defaults."""
    webhook_hosts: tuple[str, ...] = ()
    """The hosts (names or globs) that webhooks are posted to; if empty, those at loopback and private addresses."""
    dns_addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    """What fal's names resolve to: at most one address of each kind."""
    faults: tuple[str, ...] = ()
    """The files with fault rules."""
    record_errors: bool = False
    """Whether fal's own errors (401, 403, 429, 502, 503, errors of the gateway) are recorded too."""
    proxy_path: str = "/api/fal/proxy"
    """The path of fal's server-side proxy on falmock's own address."""
    proxy_profile: ProxyProfile = ProxyProfile.DOCUMENTED
    max_age: float | None = None
    """The age (seconds) from which on a recording is too old; None for none."""
    max_age_text: str = "none"
    record_schemas: bool = True
    """Whether the schemas of recorded endpoints are fetched at the end."""
    record_assets: bool = True
    """Whether files in recorded answers that no client downloaded are fetched at the end."""
    control_token: str = ""
    """The token for the control API; if "", callers on this machine need none and others are refused."""
    inspector: Inspector = Inspector.WRITE
    dialect: Dialect = Dialect.FAL
    fast: Fast = Fast.AUTO
    """Whose answers aimock's routes give."""
    store: str = field(default=MEMORY, repr=False)
    """Where the state is that several processes may share: MEMORY, or the URL of a store, which may have a password in it."""
    openai_models: tuple[tuple[str, str], ...] = ()
    """The models of the OpenAI images API: names and endpoint ids; if empty, those whose fixtures or made answers have images."""
    openai_access_key: str = field(default="", repr=False)
    """The key for the OpenAI images API; "" if callers need none."""
    started: str = STARTED
    """The command that started falmock, without its mode or with `{mode}` in its place, for messages."""
    fal_keys: tuple[str, ...] = field(default=(), repr=False)
    """The fal keys to send with calls that falmock forwards."""

    @property
    def makes_answers(self) -> bool:
        """Whether calls that no fixture answers get made answers."""
        return self.misses is Misses.SYNTHESIZE and self.mode is Mode.REPLAY
