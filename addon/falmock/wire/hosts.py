"""Fal's hosts and what each one serves (PROTOCOL.md section 1.1)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl


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
    HF = "hf"
    """Hugging Face's Hub: only the call for the providers of a model (PROTOCOL.md section 1.7). It is not fal's."""


FILE_ROLES = (Role.CDN, Role.GCS)
"""The roles of hosts that take and serve files."""
QUEUE_HOST = "queue.fal.run"
CDN_HOST = "v3b.fal.media"
GCS_HOST = "storage.googleapis.com"
GCS_BUCKET = "falserverless"
OLD_BUCKETS = (
    "fal-flux-lora",
    "isolate-dev-hot-rooster_toolkit_bucket",
    "isolate-dev-hot-rooster_toolkit_public_bucket",
)
"""Buckets in which models put their outputs before fal's CDN."""
ROUTER_HOST = "router.huggingface.co"
ROUTER_PREFIX = "/fal-ai/"
HF_HOST = "huggingface.co"
MODELS_PATH = "/api/models/"
PROVIDERS = "inferenceProviderMapping"

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
        "fal-cdn.batuhan-941.workers.dev": Role.CDN,
        GCS_HOST: Role.GCS,
        ROUTER_HOST: Role.ROUTER,
        HF_HOST: Role.HF,
        "api.fal.ai": Role.OTHER,
        "fal.ai": Role.OTHER,
        "auth.fal.ai": Role.OTHER,
        "fal.dev": Role.OTHER,
        "gateway.fal.ai": Role.OTHER,
        "ws.fal.run": Role.WS,
        "wma.fal.run": Role.OTHER,
    }
)

DOMAINS = ("fal.run", "fal.ai", "fal.media", "falrun.com", "fal.dev")
"""fal's domains; `fal.dev` is where fal tests its own service."""


def is_fals(host: str) -> bool:
    """Whether a normalized host name is fal's, or one of those on which fal keeps files."""
    return host in (*DOMAINS, GCS_HOST) or host.endswith(tuple(f".{domain}" for domain in DOMAINS))


_BELOW = tuple(f".{domain}" for domain in DOMAINS)
_CDN_DOMAIN = ".fal.media"
_CDN_GENERATION = re.compile(r"v[0-9]+b?\.fal\.media")
_BUCKETS = tuple(f"/{bucket}/" for bucket in (GCS_BUCKET, *OLD_BUCKETS))
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_SHARED = frozenset({Role.GCS, Role.ROUTER, Role.HF})


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

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that are known by name."""
        return tuple(self._roles)

    def role(self, host: str) -> Role | None:
        """The role of a normalized host name; None if the host is not fal's.

        An unknown name below `fal.media` serves files; below another domain of fal's it is OTHER, so it is never
        contacted.
        """
        found = self._roles.get(host)
        if found is None and host.endswith(_BELOW):
            return Role.CDN if host.endswith(_CDN_DOMAIN) else Role.OTHER
        return found

    def knows(self, host: str) -> bool:
        """Whether it is known what this normalized host name of fal's serves."""
        return host in self._roles or _CDN_GENERATION.fullmatch(host) is not None

    def owns(self, host: str) -> bool:
        """Whether every connection to this host is fal traffic (false for hosts that fal shares with others)."""
        host = normalize(host)
        role = self.role(host)
        return role is not None and (role not in _SHARED or host in self.extra)

    def claims(self, host: str, path: str) -> bool:
        """Whether falmock answers a request to this normalized host and path.

        `path` may have a query, which only a call to Hugging Face needs.
        """
        role = self.role(host)
        if role is None or host in self.extra:
            return role is not None
        if role is Role.GCS:
            return path.startswith(_BUCKETS)
        if role is Role.ROUTER:
            return path.startswith(ROUTER_PREFIX)
        return role is not Role.HF or _is_mapping_call(path)

    def may_pass(self, host: str) -> bool:
        """Whether a claimed call to this normalized host may go on to it in replay: the host is not fal's."""
        return self.role(host) is Role.HF and host not in self.extra


def _is_mapping_call(path: str) -> bool:
    """Whether a path with its query asks Hugging Face for the providers of a model, and for nothing else."""
    path, _, query = path.partition("?")
    expanded = {value for name, value in parse_qsl(query) if name in ("expand", "expand[]")}
    return expanded == {PROVIDERS} and path.startswith(MODELS_PATH) and path.split("/")[5:6] != ["revision"]


def parse_extra(specs: Iterable[str]) -> dict[str, Role]:
    """Parse the roles of extra hosts from texts `NAME` or `NAME=ROLE`. Raises BadHost.

    A name without a role is a run host with `queue.NAME` as its queue, as fal-client reads `FAL_RUN_HOST`.
    """
    roles = {role.value: role for role in (Role.RUN, Role.QUEUE, Role.REST, Role.CDN, Role.HF)}
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
