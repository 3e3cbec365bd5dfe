"""Mode `auto`: which calls are answered here, and which files a forwarded call must carry inline."""

from __future__ import annotations

import re
from collections.abc import Mapping

from falmock.engine.effects import Answer
from falmock.engine.effects import Reply
from falmock.engine.files.registry import Assets
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Found
from falmock.wire import calls
from falmock.wire import storage
from falmock.wire.hosts import CDN_HOST
from falmock.wire.message import Request

TO_FAL = frozenset({*calls.UPLOADS, calls.Token})
"""Calls that always go to fal: a file or a token may be needed by a call that no fixture answers."""

_OUR_URL = re.compile(rf"https://{re.escape(CDN_HOST)}(/files/b/[0-9a-f]{{8}}/[A-Za-z0-9_-]{{43}}_[^\s\"\\?#]*)")


def is_ours(call: calls.Call, reply: Answer) -> bool:
    """Whether a reply answers the call, and is not a miss report."""
    if isinstance(call, calls.FileGet):
        return not isinstance(reply, Reply) or reply.miss is None
    if isinstance(call, calls.WebhookKeys):
        return True
    return reply.fixture is not None


def known_here_only(request: Request, uploads: Assets, fixtures: Mapping[str, Asset]) -> tuple[tuple[str, Found], ...]:
    """The file URLs in a body that only falmock serves, longest first: the real fal could not fetch them."""
    if b"/files/b/" not in request.body:
        return ()
    found: dict[str, Found] = {}
    for match in _OUR_URL.finditer(request.body.decode("utf-8", "replace")):
        file = uploads.find(match[1], fixtures) if storage.digest_in_path(match[1]) else None
        if file is not None:
            found[match[0]] = file
    # Longest first: one URL may be a prefix of another.
    return tuple(sorted(found.items(), key=lambda item: -len(item[0])))
