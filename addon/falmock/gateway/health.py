"""The door that tells whether falmock is there: `/health` and `/ready`."""

from __future__ import annotations

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.gateway.door import Ask
from falmock.wire.message import Request

_WORDS = {"/health": "ok", "/ready": "ready"}


class Health:
    """Says `{"status": "ok"}` at `/health` and `{"status": "ready"}` at `/ready`, as aimock does."""

    name = "GET /health and /ready"

    def claims(self, request: Request) -> bool:
        """Whether it is asked."""
        return request.method in ("GET", "HEAD") and request.path in _WORDS

    async def answer(self, request: Request, ask: Ask, now: float) -> Reply:  # noqa: ARG002
        """It is there."""
        return replies.json_reply(200, {"status": _WORDS[request.path]}, "health")
