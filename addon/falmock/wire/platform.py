"""The part of fal's platform API that tools call before and after a run; models' schemas (PROTOCOL.md section 8)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qs

HOST = "api.fal.ai"
SITE = "fal.ai"
DOCUMENT_PATH = "/api/openapi/queue/openapi.json"
MAX_IDS = 50
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
EXPANSIONS = ("openapi-3.0", "enterprise_status")
STATUSES = ("active", "deprecated")
NO_KEY = "Authentication required"
META: dict[str, Any] = {"webhook_ip_ranges": ["127.0.0.1/32", "::1/128"]}
"""Where webhooks come from: here, from falmock itself."""


class Models(NamedTuple):
    """Asks which models there are."""


class Pricing(NamedTuple):
    """Asks what models cost."""


class Estimate(NamedTuple):
    """Asks what a number of calls would cost."""


class Meta(NamedTuple):
    """Asks what everybody may know of the platform."""


class Document(NamedTuple):
    """Asks for the OpenAPI document of one model."""


class DropPayloads(NamedTuple):
    """Wants the input and output of a job forgotten."""

    request_id: str


Call = Models | Pricing | Estimate | Meta | Document | DropPayloads

_CALLS: dict[tuple[str, str, str], Call] = {
    ("GET", HOST, "/v1/models"): Models(),
    ("GET", HOST, "/v1/models/pricing"): Pricing(),
    ("POST", HOST, "/v1/models/pricing/estimate"): Estimate(),
    ("GET", HOST, "/v1/meta"): Meta(),
    ("GET", SITE, DOCUMENT_PATH): Document(),
}
_PAYLOADS = re.compile(r"/v1/models/requests/([^/]+)/payloads")


def call_of(method: str, host: str, path: str) -> Call | None:
    """The call that a request is, None for one that is not among them."""
    path = path.rstrip("/")
    dropped = _PAYLOADS.fullmatch(path)
    if dropped is not None and method == "DELETE" and host == HOST:
        return DropPayloads(dropped[1])
    return _CALLS.get((method, host, path))


class BadQuery(ValueError):
    """A query or body that the platform refuses; the text says what was found and what was expected."""


class ModelFilter(NamedTuple):
    """Which models are asked for: those with one of `ids` (all where there are none), behind the id `after`.

    `words` are lower-case and all to be found.
    """

    limit: int
    after: str
    ids: tuple[str, ...]
    words: tuple[str, ...]
    category: str
    status: str
    expand: frozenset[str]


def wanted(query: str) -> ModelFilter:
    """The models that the query of a `/v1/models` asks for. Raises BadQuery."""
    given = _Parameters(query)
    expand = given.several("expand")
    unknown = [name for name in expand if name not in EXPANSIONS]
    if unknown:
        raise BadQuery(f"expand: expected {' or '.join(EXPANSIONS)}, found {_shown(unknown[0])}")
    status = given.one("status")
    if status and status not in STATUSES:
        raise BadQuery(f"status: expected {' or '.join(STATUSES)}, found {_shown(status)}")
    return ModelFilter(
        _limit(given.one("limit")),
        from_cursor(given.one("cursor")),
        given.ids(),
        tuple(given.one("q").lower().split()),
        given.one("category"),
        status,
        frozenset(expand),
    )


def wanted_ids(query: str) -> tuple[str, ...]:
    """The endpoint ids that a query names, of which there must be one. Raises BadQuery."""
    ids = _Parameters(query).ids()
    if not ids:
        raise BadQuery("endpoint_id: expected one endpoint id or more, found none")
    return ids


class _Parameters:
    """The parameters of a query: of several values each stands by itself, or all in one with commas."""

    def __init__(self, query: str) -> None:
        try:
            self._values = parse_qs(query, keep_blank_values=True, max_num_fields=1000)
        except ValueError:
            raise BadQuery("expected at most 1000 parameters") from None

    def one(self, name: str) -> str:
        return self._values.get(name, [""])[-1].strip()

    def several(self, name: str) -> tuple[str, ...]:
        values = [part.strip() for value in self._values.get(name, ()) for part in value.split(",")]
        return tuple(dict.fromkeys(filter(None, values)))

    def ids(self) -> tuple[str, ...]:
        ids = self.several("endpoint_id")
        if len(ids) > MAX_IDS:
            raise BadQuery(f"endpoint_id: expected at most {MAX_IDS} endpoint ids, found {len(ids)}")
        return ids


def _limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or not text.strip("0"):
        raise BadQuery(f"limit: expected a whole number of at least 1, found {_shown(text)}")
    return min(int(text[:9]), MAX_LIMIT) if len(text) < 10 else MAX_LIMIT


class Page(NamedTuple):
    """Some of the ids asked for; `next_cursor` gets those behind them, None where these are the last."""

    ids: tuple[str, ...]
    next_cursor: str | None


def page(ids: Sequence[str], limit: int, after: str) -> Page:
    """The next ids of a sorted list."""
    rest = [name for name in ids if name > after]
    shown = tuple(rest[:limit])
    return Page(shown, to_cursor(shown[-1]) if len(rest) > limit else None)


def to_cursor(name: str) -> str:
    """The cursor of what comes behind an id. It names the id, so that it holds when others come or go."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> str:
    """The id that a cursor names, "" for none. Raises BadQuery."""
    try:
        name = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        name = None
    if name is None or to_cursor(name) != cursor:
        raise BadQuery(f"cursor: expected the next_cursor of an answer, found {_shown(cursor)}")
    return name


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:50]}...")


def error(kind: str, message: str) -> dict[str, Any]:
    """The body of an error (PROTOCOL.md section 7.3)."""
    return {"error": {"type": kind, "message": message}}
