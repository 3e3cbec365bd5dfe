"""Fal's hosts and what each one serves (PROTOCOL.md section 1.1), and the one form in which host names are compared."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterable
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address
from ipaddress import IPv6Address
from types import MappingProxyType
from urllib.parse import parse_qsl
from urllib.parse import unquote


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
_BELOW = tuple(f".{domain}" for domain in DOMAINS)


def is_fals(host: str) -> bool:
    """Whether a normalized host name is fal's, or one of those on which fal keeps files."""
    return host in DOMAINS or host == GCS_HOST or host.endswith(_BELOW)


_CDN_DOMAIN = ".fal.media"
_CDN_GENERATION = re.compile(r"v[0-9]+b?\.fal\.media")
_BUCKETS = tuple(f"/{bucket}/" for bucket in (GCS_BUCKET, *OLD_BUCKETS))
_SHARED = frozenset({Role.GCS, Role.ROUTER, Role.HF})


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
        try:
            name = checked(name)
        except BadHost:
            name = "-"
        if name.startswith("-"):
            raise BadHost(f"{spec!r}: expected a host name without scheme, port or path, as in fal.example.com")
        if not equals:
            implied |= {name: Role.RUN, f"queue.{name}": Role.QUEUE}
        elif role in roles:
            result[name] = roles[role]
        else:
            raise BadHost(f"{spec!r}: unknown role {role!r}, expected one of {', '.join(roles)}")
    return implied | result  # an explicit role takes precedence, in any order


_IGNORED = re.compile(
    "[\t\n\r\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u1806\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
"""What resolvers and URL parsers take out of a name: Unicode's Default_Ignorable_Code_Point, U+1806, tabs, line ends."""
_OUTER = "".join(map(chr, range(0x21)))  # what URL parsers take off both ends
_ACE = "xn--"
_LONGEST_LABEL, _LONGEST_NAME, _LONGEST_MAPPED = 63, 253, 1000  # Unicode takes long to normalize
_ASCII_NAME = re.compile(r"[a-z0-9_.-]+")
_UNICODE_LABEL = re.compile(r"[a-z0-9_\-\x80-\U0010ffff]+")
_NUMBERS = re.compile(r"(?:(?:0x[0-9a-f]{1,16}|\d{1,24})(?:\.(?!$)|$)){1,4}", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[\x00-\x20\x7f%]")


class BadHost(ValueError):
    """A host name is invalid; the text says why."""


def normalize(host: str) -> str:
    """A host in the form for comparison: the ASCII name, or the address, that resolvers and clients make of it.

    A name is in lower case, without a trailing dot and escapes (`%2e`). It follows IDNA 2003, as `getaddrinfo` does (RFC
    3490, RFC 3491), and UTS 46, as browsers do. An address has its usual spelling, without brackets, and is IPv4 if it is
    one in IPv6 (`::ffff:127.0.0.1`). A text that is no host is returned in some form too: see `checked`.
    """
    return _cached(host) if len(host) <= _LONGEST_NAME else _mapped(host)


def _mapped(host: str) -> str:
    text = _folded(host)
    if "%" in text:
        decoded = _folded(unquote(text))
        if "%" not in decoded:  # nobody decodes twice
            text = decoded
    text = text.strip(_OUTER).rstrip(f".{_OUTER}")
    address = _ipv6(text.removeprefix("[").removesuffix("]")) if ":" in text else None
    if address is not None:
        return str(address.ipv4_mapped or address)
    text = ".".join(map(_ascii_label, text.split(".")))
    return _ipv4(text) or text


_cached = lru_cache(4096)(_mapped)


def _folded(text: str) -> str:
    """A text without what is ignored, and with compatible characters and letter cases made one (NFKC, case folding)."""
    text = _IGNORED.sub("", text).strip(_OUTER).partition("\0")[0]  # C reads up to a NUL
    if text.isascii():
        return text.lower()
    before = ""
    while text != before and len(text) <= _LONGEST_MAPPED:  # usually twice
        before = text
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _IGNORED.sub("", text).replace("\u3002", ".")
    return text


def _ascii_label(label: str) -> str:
    """A label in the form that DNS takes (RFC 3492). Unchanged if it cannot be one."""
    if len(label) > _LONGEST_LABEL:
        return label
    try:
        if label.startswith(_ACE):
            decoded = _folded(label.removeprefix(_ACE).encode("ascii").decode("punycode"))
            return decoded if _ASCII_NAME.fullmatch(decoded) and _ACE not in decoded else label
        is_name = not label.isascii() and _UNICODE_LABEL.fullmatch(label)
        return _ACE + label.encode("punycode").decode("ascii") if is_name else label
    except UnicodeError:
        return label


def _ipv6(text: str) -> IPv6Address | None:
    try:
        return IPv6Address(text)
    except ValueError:
        return None


def _ipv4(text: str) -> str | None:
    """An IPv4 address as the C library reads it: `127.1`, `0x7f000001`, `017700000001`; None for another text."""
    if not _NUMBERS.fullmatch(text):
        return None
    try:
        *firsts, last = (int(part, 16 if part[1:2] == "x" else 8 if part[0] == "0" else 10) for part in text.split("."))
    except ValueError:  # an 8 or a 9 in an octal number
        return None
    if any(part > 0xFF for part in firsts) or last >> 8 * (4 - len(firsts)):
        return None
    return str(IPv4Address(sum(part << 8 * (3 - place) for place, part in enumerate(firsts)) + last))


def named(authority: str) -> str:
    """The normalized host in the value of a Host header or `:authority`, whatever the port and a user name are."""
    name = normalize(authority)
    if "@" in name or ":" in name or "[" in name:
        name = name.rpartition("@")[2]
        host = name[1:].partition("]")[0] if name.startswith("[") else name
        name = normalize(host if host.count(":") > 1 and _ipv6(host) else host.partition(":")[0])
    return name


def checked(host: str) -> str:
    """A host that can be connected to, normalized.

    Raises BadHost if no resolver takes it: labels have 1 to 63 characters, names 253 at most (RFC 1035), and what is not
    ASCII must be allowed by IDNA.
    """
    name = normalize(host)
    if ":" not in name or _ipv6(name) is None:
        why = _why_not(host, name)
        if why:
            shown = host if len(host) <= _LONGEST_LABEL else f"{host[:_LONGEST_LABEL]}..."
            raise BadHost(f"{shown!a} is not a valid host name: {why}")
    return name


def _why_not(host: str, name: str) -> str:
    """Why a host, whose normalized form is `name`, has no address; "" if it may have one."""
    found = _NOT_IN_NAMES.search(host)
    if found is not None:
        return f"it contains {found[0]!a}"
    for label in f"{name}{'.' * host.endswith('..')}".split("."):
        if not 0 < len(label) <= _LONGEST_LABEL:
            return f"a label (the part between two dots) has {len(label)} characters, expected 1 to {_LONGEST_LABEL}"
    if not _ASCII_NAME.fullmatch(name):
        return f"expected letters, digits, hyphens and dots, found {name[:_LONGEST_LABEL]!a}"
    if len(name) > _LONGEST_NAME:
        return f"it has {len(name)} characters, expected {_LONGEST_NAME} at most"
    try:
        _ = host if host.isascii() else host.encode("idna")
    except UnicodeError as error:
        return f"it cannot be encoded for DNS ({error})"
    return ""
