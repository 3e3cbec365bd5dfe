"""The door of the inspector's page: its files, with headers that keep it to its own origin.

The page holds no data: what it shows comes from the control API, which asks for the token if there is one. The page itself
does not, because a browser that opens an address cannot send one. The token stands behind the `#`, which is sent to nobody.
"""

from __future__ import annotations

from falmock.engine.config import Inspector as Access
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.engine.files.downloads import is_named
from falmock.gateway.caller import is_from_page_elsewhere
from falmock.gateway.control.guard import refusal_of_place
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import problem
from falmock.gateway.door import MAX_BODY
from falmock.gateway.door import Ask
from falmock.gateway.inspector.static_files import PAGE
from falmock.gateway.inspector.static_files import static_files
from falmock.wire.message import Header
from falmock.wire.message import Request

PATH = f"{PREFIX}/"
FILES = f"{PREFIX}/inspector/"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_SAFE: tuple[Header, ...] = (
    (b"Content-Security-Policy", CONTENT_SECURITY_POLICY.encode()),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Referrer-Policy", b"no-referrer"),
)
_NO_CACHE = (b"Cache-Control", b"no-cache")
_WHY = "the inspector"


class Inspector:
    """Serves the page."""

    name = f"the inspector, a page for people, at {PATH}"

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def claims(self, request: Request) -> bool:
        """Whether a request is for the page or one of its files."""
        path = request.path
        is_ours = path.startswith(PREFIX) and (path in (PREFIX, PATH) or path.startswith(FILES))
        return is_ours and request.method in ("GET", "HEAD")

    def max_body(self, request: Request) -> int:  # noqa: ARG002
        """How many bytes the body of a request may have."""
        return MAX_BODY

    def answer(self, request: Request, ask: Ask, now: float) -> Reply:  # noqa: ARG002
        """The page, one of its files, or why there is none."""
        reply = self._answer(request)
        names = {name for name, _ in reply.headers}
        return reply._replace(headers=(*reply.headers, *(each for each in _SAFE if each[0] not in names)))

    def _answer(self, request: Request) -> Reply:
        config = self._engines.config
        if is_from_page_elsewhere(request) and not _is_opened(request):
            return problem(403, "The inspector is not for web pages of another origin than falmock's own address")
        refused = None if config.control_token else refusal_of_place(request, "The inspector")
        if refused is not None:
            return refused
        if config.inspector is Access.OFF:
            return problem(404, "There is no page here because of fal_inspector=off: expected read or write")
        if request.path == PREFIX:
            return Reply(307, ((b"Location", PATH.encode()), _NO_CACHE), b"", _WHY)
        name = PAGE if request.path == PATH else request.path.removeprefix(FILES)
        found = static_files().get(name)
        if found is None:
            shown = self._engines.common.redactor.text(request.path[:200])
            return problem(404, f"The inspector has no file {shown}: its page is at {PATH}")
        headers = ((b"Content-Type", found.content_type), (b"ETag", found.etag.encode()), _NO_CACHE)
        if is_named(found.etag, request.headers.get("if-none-match", "")):
            return Reply(304, headers[1:], b"", _WHY)
        return Reply(200, headers, found.content, _WHY)


def _is_opened(request: Request) -> bool:
    """Whether a person opened the page in a tab of its own, as by a link on any page. In a frame it is of no use."""
    headers = request.headers
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
