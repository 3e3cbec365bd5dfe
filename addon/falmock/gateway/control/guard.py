"""Access to the control API: programs on this machine, or callers with the token; never a web page from elsewhere.

A browser on this machine runs foreign pages, and their requests come from this machine too. Browsers send Origin with
every call that changes something, and current ones send Sec-Fetch-Site with all calls. A page whose name resolves to
this machine (DNS rebinding) sends that name in Host.
"""

from __future__ import annotations

import hmac
import re

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


def refusal(request: Request, token: str, *, has_ticket: bool = False) -> Reply | None:
    """The refusal of a call of the control API; None if it is allowed.

    `token` is the token that callers must send, unless the call `has_ticket`; "" if none is set.
    """
    if is_from_page_elsewhere(request):
        return problem(403, "The control API is not for web pages of another origin than falmock's own address")
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
    if not is_loopback(request.peer):
        return problem(
            403, "The control API accepts calls only from this machine: set fal_control_token to call it from others"
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


def has_ticket(request: Request, tickets: Tickets, now: float) -> bool:
    """Whether a call reads a file and has a ticket for that, at `now` (seconds since the epoch)."""
    reads_file = request.method in ("GET", "HEAD") and _FILE.fullmatch(request.path) is not None
    return reads_file and tickets.holds(query_value(request.query, TICKET), now)
