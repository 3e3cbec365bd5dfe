"""The door for health checks: `/health` says that falmock runs, `/ready` that it can answer calls.

Anybody may ask, as balancers do; so nothing is told but that.
"""

from __future__ import annotations

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.gateway.door import MAX_BODY
from falmock.gateway.door import Ask
from falmock.wire.message import Request

CHECK = "health"
"""The `why` of every answer to a health check: no log has a line of it, since balancers ask each second."""
_STATUS = {"/health": "ok", "/ready": "ready"}


def is_check(path: str) -> bool:
    """Whether this is the path of a health check."""
    return path in _STATUS


class Health:
    """Answers `{"status": "ok"}` at `/health` and `{"status": "ready"}` at `/ready`, as aimock does.

    A falmock whose store is away answers 503 at `/ready`.
    """

    name = "GET /health and /ready"

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def claims(self, request: Request) -> bool:
        """Whether a request is a health check."""
        return request.method in ("GET", "HEAD") and is_check(request.path)

    def max_body(self, request: Request) -> int:  # noqa: ARG002
        """How many bytes the body of a request may have."""
        return MAX_BODY

    def answer(self, request: Request, ask: Ask, now: float) -> Reply:  # noqa: ARG002
        """The status."""
        standing = self._engines.standing
        if request.path == "/ready" and standing is not None and standing().unready:
            return replies.json_reply(503, {"status": "not ready"}, CHECK)
        return replies.json_reply(200, {"status": _STATUS[request.path]}, CHECK)
