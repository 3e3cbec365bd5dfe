"""Access to the control API: programs on this machine, or callers with the token; never a web page from elsewhere.

A browser on this machine runs foreign pages, and their requests come from this machine too. Browsers send Origin with
every call that changes something, and current ones send Sec-Fetch-Site with all calls. A page whose name resolves to
this machine (DNS rebinding) sends that name in Host.
"""

from __future__ import annotations

import hmac
import re

from falmock.engine.config import Config
from falmock.engine.config import Inspector
from falmock.engine.effects import Reply
from falmock.engine.tickets import Tickets
from falmock.gateway.caller import is_from_page_elsewhere
from falmock.gateway.caller import is_loopback
from falmock.gateway.caller import is_our_name
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import problem
from falmock.wire.message import Request
from falmock.wire.routes import query_value

TICKET = "ticket"
"""The query parameter with a ticket."""
_FILE = re.compile(re.escape(PREFIX) + r"/assets/[0-9a-f]{64}")

_WHAT = "The control API"
_READING = (f"{PREFIX}/assets/tickets", f"{PREFIX}/verify")
"""Calls by POST that change nothing a user would see."""


def refusal(request: Request, config: Config, *, has_ticket: bool = False) -> Reply | None:
    """The refusal of a call of the control API; None if it is allowed. A call that `has_ticket` needs no token."""
    if is_from_page_elsewhere(request):
        return problem(403, f"{_WHAT} is not for web pages of another origin than falmock's own address")
    if config.inspector is not Inspector.WRITE and _is_change_by_page(request):
        allowed = f"fal_inspector={config.inspector.value} lets pages read only: expected fal_inspector=write"
        return problem(403, f"{_WHAT} refuses this change: {allowed}, or a program that makes it")
    token = config.control_token
    if token:
        if has_ticket:
            return None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode()):
            return None
        return problem(
            401,
            "Expected the token of fal_control_token, as Authorization: Bearer TOKEN",
            extra=((b"WWW-Authenticate", b'Bearer realm="falmock"'),),
        )
    return refusal_of_place(request, _WHAT)


def refusal_of_place(request: Request, what: str) -> Reply | None:
    """The refusal of a request that comes from another machine, or by a name that is not ours; None if it is allowed.

    `what` begins the sentence.
    """
    if not is_loopback(request.peer):
        return problem(
            403, f"{what} accepts calls only from this machine: set fal_control_token to call it from others"
        )
    if not request.host:
        return problem(
            403,
            "It is unknown by which name falmock was called (the header Host): in mode reverse start it with "
            "--set keep_host_header=true, or set fal_control_token",
        )
    if not is_our_name(request.host):
        return problem(
            403,
            "Expected falmock to be called localhost, 127.0.0.1 or [::1] (the header Host): set fal_control_token to call it otherwise",
        )
    return None


def _is_change_by_page(request: Request) -> bool:
    """Whether a web page sent this request, and it may change something. Programs send neither of these headers."""
    if "origin" not in request.headers and "sec-fetch-site" not in request.headers:
        return False
    return request.method not in ("GET", "HEAD", "OPTIONS") and request.path not in _READING


def has_ticket(request: Request, tickets: Tickets, now: float) -> bool:
    """Whether a call reads a file and has a ticket for that, at `now` (seconds since the epoch)."""
    reads_file = request.method in ("GET", "HEAD") and _FILE.fullmatch(request.path) is not None
    return reads_file and tickets.holds(query_value(request.query, TICKET), now)
