"""Fal's hosts and what each one serves (PROTOCOL.md section 1.1)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from collections.abc import Mapping
from types import MappingProxyType


class Role(enum.Enum):
    """What a host serves."""

    RUN = "run"
    """Sync runs, streams, realtime: `fal.run`."""
    QUEUE = "queue"
    """The queue: `queue.fal.run`."""
    REST = "rest"
    """Storage initiate, CDN tokens, realtime tokens: `rest.fal.ai`."""
    CDN = "cdn"
    """Uploads and downloads of files: `v3b.fal.media`."""
    WS = "ws"
    """HTTP over WebSocket: `ws.fal.run`."""
    OTHER = "other"
    """Another host of fal's, which inference clients do not call. It is never contacted either."""
    GCS = "gcs"
    """Google's storage host: fal's only below the path of fal's bucket."""
    ROUTER = "router"
    """Hugging Face's router: fal's only below `/fal-ai/`."""


QUEUE_HOST = "queue.fal.run"
CDN_HOST = "v3b.fal.media"
GCS_HOST = "storage.googleapis.com"
GCS_BUCKET = "falserverless"
ROUTER_HOST = "router.huggingface.co"
ROUTER_PREFIX = "/fal-ai/"

KNOWN: Mapping[str, Role] = MappingProxyType(
    {
        "fal.run": Role.RUN,
        "queue.fal.run": Role.QUEUE,
        "falrun.com": Role.RUN,
        "queue.falrun.com": Role.QUEUE,
        "rest.fal.ai": Role.REST,
        "rest.alpha.fal.ai": Role.REST,
        "v3.fal.media": Role.CDN,
        "v3b.fal.media": Role.CDN,
        "fal.media": Role.CDN,
        GCS_HOST: Role.GCS,
        ROUTER_HOST: Role.ROUTER,
        "api.fal.ai": Role.OTHER,
        "fal.ai": Role.OTHER,
        "auth.fal.ai": Role.OTHER,
        "gateway.fal.ai": Role.OTHER,
        "ws.fal.run": Role.WS,
        "wma.fal.run": Role.OTHER,
    }
)

_DOMAINS = (".fal.run", ".fal.ai", ".fal.media", ".falrun.com")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_SHARED = frozenset({Role.GCS, Role.ROUTER})


class BadHost(ValueError):
    """A host specification is invalid; the text says why."""


def normalize(host: str) -> str:
    """A host name in the form for comparison: lower case, no trailing dot."""
    return host.lower().rstrip(".")


class Hosts:
    """The hosts that falmock stands in for: fal's own and those that a user added."""

    def __init__(self, extra: Mapping[str, Role] | None = None) -> None:
        self._roles: dict[str, Role] = {**KNOWN, **(extra or {})}
        self.extra: frozenset[str] = frozenset(extra or ())

    def __len__(self) -> int:
        return len(self._roles)

    def role(self, host: str) -> Role | None:
        """The role of a normalized host name; None if the host is not fal's.

        An unknown name below one of fal's domains is OTHER, so it is never contacted.
        """
        found = self._roles.get(host)
        if found is None and host.endswith(_DOMAINS):
            return Role.OTHER
        return found

    def owns(self, host: str) -> bool:
        """Whether every connection to this host is fal traffic (false for hosts that fal shares with others)."""
        role = self.role(normalize(host))
        return role is not None and role not in _SHARED

    def claims(self, host: str, path: str) -> bool:
        """Whether a request to this normalized host and path is fal traffic, which falmock answers."""
        role = self.role(host)
        if role is Role.GCS:
            return path.startswith(f"/{GCS_BUCKET}/")
        if role is Role.ROUTER:
            return path.startswith(ROUTER_PREFIX)
        return role is not None


def parse_extra(specs: Iterable[str]) -> dict[str, Role]:
    """Parse the roles of extra hosts from texts `NAME` or `NAME=ROLE`. Raises BadHost.

    A name without a role is a run host with `queue.NAME` as its queue, as fal-client reads `FAL_RUN_HOST`.
    """
    roles = {role.value: role for role in (Role.RUN, Role.QUEUE, Role.REST, Role.CDN)}
    result: dict[str, Role] = {}
    implied: dict[str, Role] = {}
    for spec in specs:
        name, equals, role = (part.strip() for part in spec.partition("="))
        name = normalize(name)
        if not _NAME.fullmatch(name):
            raise BadHost(f"{spec!r}: expected a host name without scheme, port or path, as in fal.example.com")
        if not equals:
            implied |= {name: Role.RUN, f"queue.{name}": Role.QUEUE}
        elif role in roles:
            result[name] = roles[role]
        else:
            raise BadHost(f"{spec!r}: unknown role {role!r}, expected one of {', '.join(roles)}")
    return implied | result  # an explicit role takes precedence, in any order
