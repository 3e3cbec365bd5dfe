"""The calls of fal's Platform API that falmock answers, and those for models' schemas (PROTOCOL.md section 8)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qs
from urllib.parse import urlencode

HOST = "api.fal.ai"
SITE = "fal.ai"
DOCUMENT_PATH = "/api/openapi/queue/openapi.json"
MAX_IDS = 50
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
EXPANSIONS = ("openapi-3.0", "enterprise_status")
STATUSES = ("active", "deprecated")
NO_KEY = "Authentication required"
BAD_KEY = "Invalid API key"
META: dict[str, Any] = {"webhook_ip_ranges": ["127.0.0.1/32", "::1/128"]}
"""Where webhooks come from: falmock sends them from this machine."""


def document_target(endpoint: str) -> str:
    """Path and query of the OpenAPI document of an endpoint at SITE; no key is needed."""
    return f"{DOCUMENT_PATH}?{urlencode({'endpoint_id': endpoint}, safe='/')}"


class Models(NamedTuple):
    """Requests the list of models."""


class Pricing(NamedTuple):
    """Requests the prices of models."""


class Estimate(NamedTuple):
    """Requests the price of a number of calls."""


class Meta(NamedTuple):
    """Requests public facts about the platform."""


class Document(NamedTuple):
    """Requests the OpenAPI document of one model."""


class DropPayloads(NamedTuple):
    """Requests that the input and output of a job are deleted."""

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
    """The call of a request; None if it is none of these."""
    path = path.rstrip("/")
    payloads = _PAYLOADS.fullmatch(path)
    if payloads is not None and method == "DELETE" and host == HOST:
        return DropPayloads(payloads[1])
    return _CALLS.get((method, host, path))


class BadQuery(ValueError):
    """The platform refuses a query or body; the text says what was found and what was expected."""


class ModelFilter(NamedTuple):
    """Which models are requested: those with one of `ids` (if empty, all), sorted after the id `after`.

    `words` are lower-case; a model must contain all of them. `after`, `category` and `status` are "" if not given.
    """

    limit: int
    after: str
    ids: tuple[str, ...]
    words: tuple[str, ...]
    category: str
    status: str
    expand: frozenset[str]


def wanted(query: str) -> ModelFilter:
    """Parse the query of `/v1/models`. Raises BadQuery."""
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
    """The endpoint ids in a query, at least one. Raises BadQuery."""
    ids = _Parameters(query).ids()
    if not ids:
        raise BadQuery("endpoint_id: expected one endpoint id or more, found none")
    return ids


class _Parameters:
    """The parameters of a query. Several values are given by repeating a parameter or separated by commas."""

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
    """One page of ids. `next_cursor` requests the next page; None if this is the last."""

    ids: tuple[str, ...]
    next_cursor: str | None


def page(ids: Sequence[str], limit: int, after: str) -> Page:
    """The first `limit` ids of a sorted list that come after the id `after`."""
    rest = [name for name in ids if name > after]
    shown = tuple(rest[:limit])
    return Page(shown, to_cursor(shown[-1]) if len(rest) > limit else None)


def to_cursor(name: str) -> str:
    """The cursor for what comes after an id. It contains the id, so it stays valid when models are added or removed."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> str:
    """The id in a cursor; "" for "". Raises BadQuery."""
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
