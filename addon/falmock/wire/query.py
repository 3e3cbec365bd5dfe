"""Query strings as what is asked: inputs of models, and what stands beside an input (PROTOCOL.md section 2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from falmock.wire.formats import jsontext
from falmock.wire.message import Request

PLATFORM_PARAMETERS = frozenset({"fal_webhook", "fal_max_queue_length", "fal_jwt_token", "priority", "_subdomain"})
"""Parameters of runs and submits for the platform, which are not part of the input (PROTOCOL.md section 2.2)."""
NOT_ASKED = PLATFORM_PARAMETERS | {"logs"}
"""Parameters beside the body of a run or a submit that are not part of what is asked."""
_CREDENTIALS = frozenset({"fal_jwt_token"})


def parameters(query: str, left_out: Iterable[str] = PLATFORM_PARAMETERS) -> dict[str, Any]:
    """The parameters in a query string: texts by name, and for a name that stands there more than once a list of texts.

    No name begins with `$`, which has a meaning in fixtures: it becomes `%24` (and `%` at the start `%25`). Bytes that are
    not UTF-8 become lone surrogates, so that different queries have different parameters.
    """
    found: dict[str, Any] = {}
    if not query:
        return found
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        if name in left_out:
            continue
        key = f"%{ord(name[0]):02X}{name[1:]}" if name[:1] in ("$", "%") else name
        if key not in found:
            found[key] = value
        elif isinstance(found[key], list):
            found[key].append(value)
        else:
            found[key] = [found[key], value]
    return found


def of_plain_call(query: str) -> dict[str, Any]:
    """The parameters of a call to no endpoint: all but credentials."""
    return parameters(query, _CREDENTIALS)


def plain_input(request: Request, *, takes_files: bool) -> dict[str, Any] | None:
    """The JSON object in the body of a call to no endpoint, with exact numbers, whatever its content type; None without one.

    On a host that `takes_files`, a body without a JSON content type is a file.
    """
    if request.method == "GET" or not request.body:
        return None
    if takes_files and "json" not in request.headers.get("content-type", ""):
        return None
    return jsontext.object_of(request.body, exact=True)
