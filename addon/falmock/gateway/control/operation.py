"""The common parts of the control API's operations: calls, parameters, bodies and answers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import Protocol
from typing import TypeVar

from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.engine import Engine
from falmock.engine.engines import Engines
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Problem
from falmock.wire.formats import jsontext
from falmock.wire.message import Header
from falmock.wire.message import Request

T = TypeVar("T")
PREFIX = "/__falmock"
MAX_BODY = 8 * 1024 * 1024
"""The maximum size of a body (bytes)."""
LIMIT = 100
MOST = 1000
"""How many items one page has by default, and at most."""
_HEADERS: tuple[Header, ...] = (
    (b"Content-Type", b"application/json"),
    (b"Cache-Control", b"no-store"),
    (b"X-Content-Type-Options", b"nosniff"),
)


class FixturesOnDisk(Protocol):
    """The fixtures on disk."""

    def reload(self) -> str:
        """Read them again, and return a summary. Raises OSError or ValueError if they cannot be read."""

    def place_for(self, name: str, text: str) -> str:
        """The file, as users know it, that `save` would write; it is the existing one if that has this very text. Raises OSError."""

    def read(self, file: str, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop` of a file of an asset, fewer at its end; b"" if it cannot be read."""

    def save(self, name: str, text: str, assets: Mapping[str, Asset]) -> str:
        """Write a new file of fixtures, and return its name as users know it. Raises OSError.

        `name` is its path without `.json`, changed if it is taken; `assets` are the files that it refers to, by digest.
        """


class Call(NamedTuple):
    """One call of an operation. `scope` is "" for the default scope, `now` is in seconds since the epoch.

    `path` has the parameters of the path, `query` the given ones of the query, `body` is the JSON value, or None if there
    is none. `headers` are the request's, with lower-case names.
    """

    engines: Engines
    scope: str
    now: float
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    disk: FixturesOnDisk
    request: Request

    @property
    def engine(self) -> Engine:
        """The engine of the scope; it is created if it is new."""
        return self.engines.of(self.scope)

    @property
    def seen(self) -> Engine:
        """The engine of the scope for reading only; it is not created."""
        return self.engines.peek(self.scope)


class Parameter(NamedTuple):
    """A query parameter; `schema` is its JSON Schema, of type string, integer, number or boolean."""

    name: str
    schema: Mapping[str, Any]
    about: str


class Body(NamedTuple):
    """The JSON body of an operation."""

    schema: Mapping[str, Any]
    about: str
    example: Mapping[str, Any]
    required: bool = True


class Operation(NamedTuple):
    """One operation: its handler and its documentation.

    `path` has the names of its parameters in braces. `answers` has the meaning and the JSON Schema for each status; FILE is
    a content of any type, NOTHING an answer without a body. `media` is the type of the good ones. `head`: HEAD is answered
    like GET. `stateless`: it also answers without what several falmocks share, if that is not available.
    """

    method: str
    path: str
    name: str
    about: str
    handle: Callable[[Call], Reply | Stream]
    answers: Mapping[int, tuple[str, Mapping[str, Any]]]
    query: Sequence[Parameter] = ()
    body: Body | None = None
    of_scope: bool = True
    head: bool = False
    media: str = "application/json"
    stateless: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it answers."""
        return (self.method, "HEAD") if self.head else (self.method,)


FILE: Mapping[str, Any] = {"type": "string", "format": "binary"}
NOTHING: Mapping[str, Any] = {}
ERROR: Mapping[str, Any] = {"$ref": "#/components/schemas/Error"}
"""The schema of the answers of `problem`."""


def answer(status: int, value: Any, why: str, wakes: str | None = None) -> Reply:
    """A JSON answer; `wakes` is the request id of a job that was moved, or EVERY_JOB."""
    return Reply(status, _HEADERS, jsontext.dump_shown(value).encode(), why, wakes=wakes)


CONTENT_POLICY: Header = (b"Content-Security-Policy", b"sandbox; default-src 'none'")
"""The header that every answer with the content of a file has, and no other."""


def problem(status: int, message: str, problems: Sequence[Problem] = (), extra: tuple[Header, ...] = ()) -> Reply:
    """An error answer."""
    value: dict[str, Any] = {"message": message}
    if problems:
        value["problems"] = [{"path": found.path, "message": found.message} for found in problems]
    return answer(status, value, f"control: {status}")._replace(headers=_HEADERS + extra)


def has_content(reply: Reply) -> bool:
    """Whether an answer is the content of a file, which is sent as it is."""
    return CONTENT_POLICY in reply.headers


def listed(names: Sequence[str], most: int = 20) -> str:
    """Up to `most` names, for a message."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


PAGING = (
    Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
        "How many to list at most.",
    ),
    Parameter("offset", {"type": "integer", "minimum": 0, "default": 0}, "How many to skip."),
)


def paged(name: str, items: Sequence[Any], query: Mapping[str, Any], shown: Callable[[Any], Any]) -> dict[str, Any]:
    """The requested page of a list, as a JSON value."""
    page = [shown(item) for item in page_in(items, query)]
    return {name: page, "total": len(items), "limit": query.get("limit", LIMIT), "offset": query.get("offset", 0)}


def page_in(items: Sequence[T], query: Mapping[str, Any]) -> Sequence[T]:
    """The items on the requested page of a list."""
    offset = query.get("offset", 0)
    return items[offset : offset + query.get("limit", LIMIT)]


def page_of(name: str, item: str) -> dict[str, Any]:
    """The schema of a page of items."""
    whole = {"type": "integer", "minimum": 0}
    return closed(
        **{name: list_of(item)},
        total=whole,
        limit=whole,
        offset=whole,
    )


def list_of(item: str) -> dict[str, Any]:
    """The schema of a list of items."""
    return {"type": "array", "items": ref(item)}


def closed(**properties: Any) -> dict[str, Any]:
    """The schema of an object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def ref(name: str) -> dict[str, Any]:
    """A reference to a named schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(kind: str) -> dict[str, Any]:
    """The schema of a value of this type, or null."""
    return {"type": [kind, "null"]}
