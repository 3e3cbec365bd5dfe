"""The inspector's page, as browsers ask for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine.config import Config
from falmock.engine.config import Inspector as Access
from falmock.engine.effects import Reply
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.inspector.door import CONTENT_SECURITY_POLICY
from falmock.gateway.inspector.door import Inspector
from falmock.gateway.inspector.static_files import static_files
from falmock.wire.message import Request
from unit.gateway.steering import HOST
from unit.gateway.steering import Steered
from unit.gateway.steering import never

PAGE, ICON = f"{PREFIX}/", f"{PREFIX}/inspector/favicon.svg"
TOKEN = "a-token-of-16-ch"
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def asked(path: str, method: str = "GET", peer: str = "127.0.0.1", host: str = "127.0.0.1", **headers: str) -> Request:
    named = HOST | {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, host, path, "", named, b"", peer=peer)


def get(path: str, config: Config | None = None, **more: Any) -> Reply:
    steered = Steered()
    steered.engines.use_config(config or Config())
    request = asked(path, **more)
    door = Inspector(steered.engines)
    assert door.claims(request)
    assert door.max_body(request) > 0
    return door.answer(request, never, steered.now)


def message(reply: Reply) -> str:
    return str(json.loads(bytes(reply.body))["message"])


@pytest.mark.parametrize(
    ("method", "path", "is_ours"),
    [
        ("GET", PREFIX, True),
        ("HEAD", PAGE, True),
        ("GET", f"{PREFIX}/inspector/main.js", True),
        ("POST", PAGE, False),
        ("GET", f"{PREFIX}/health", False),
        ("GET", f"{PREFIX}/inspector", False),
        ("GET", "/", False),
        ("GET", f"{PREFIX}x", False),
    ],
)
def test_what_is_the_page(method: str, path: str, *, is_ours: bool) -> None:
    assert Inspector(Steered().engines).claims(asked(path, method)) is is_ours


def test_the_page_and_its_files() -> None:
    for path, name, kind in (
        (PAGE, "index.html", b"text/html; charset=utf-8"),
        (ICON, "favicon.svg", b"image/svg+xml"),
    ):
        reply = get(path)
        headers = dict(reply.headers)
        assert (reply.status, reply.body, headers[b"Content-Type"]) == (200, static_files()[name].content, kind)
        assert headers[b"Cache-Control"] == b"no-cache"


def test_the_way_to_the_page() -> None:
    reply = get(PREFIX)
    assert (reply.status, dict(reply.headers)[b"Location"]) == (307, PAGE.encode())


@pytest.mark.parametrize(
    "name", ["", "nothing.js", "../door.py", "%2e%2e/door.py", "/etc/passwd", "favicon.svg/", "views"]
)
def test_no_other_file(name: str) -> None:
    reply = get(f"{PREFIX}/inspector/{name}")
    assert (reply.status, message(reply).endswith("its page is at /__falmock/")) == (404, True)


def test_a_secret_in_an_address_is_not_repeated() -> None:
    steered = Steered(control_token=TOKEN)
    reply = Inspector(steered.engines).answer(asked(f"{PREFIX}/inspector/{TOKEN}"), never, 0.0)
    assert TOKEN not in message(reply)


def test_what_the_browser_has_already() -> None:
    first = get(PAGE)
    tag = dict(first.headers)[b"ETag"].decode()
    for given in (tag, f'W/{tag}, "x"', f'"x", {tag}', "*"):
        again = get(PAGE, if_none_match=given)
        assert (again.status, again.body, dict(again.headers)[b"ETag"]) == (304, b"", tag.encode())
    for given in ('"x"', "", tag.strip('"')):
        assert get(PAGE, if_none_match=given).status == 200


def test_every_answer_is_safe() -> None:
    off = Config(inspector=Access.OFF)
    tag = dict(get(PAGE).headers)[b"ETag"].decode()
    replies = [
        get(PAGE),
        get(ICON),
        get(PREFIX),
        get(PAGE, if_none_match=tag),
        get(f"{PREFIX}/inspector/x"),
        get(PAGE, off),
        get(PAGE, origin="https://evil.example"),
        get(PAGE, peer="8.8.8.8"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 307, 304, 404, 404, 403, 403]
    for reply in replies:
        names = [name.lower() for name, _ in reply.headers]
        assert len(names) == len(set(names))
        headers = dict(reply.headers)
        assert headers[b"Content-Security-Policy"].decode() == CONTENT_SECURITY_POLICY
        assert headers[b"X-Content-Type-Options"] == b"nosniff"
        assert headers[b"Cross-Origin-Resource-Policy"] == headers[b"Cross-Origin-Opener-Policy"] == b"same-origin"
        assert headers[b"Referrer-Policy"] == b"no-referrer"
        assert headers[b"Cache-Control"] in (b"no-cache", b"no-store")


def test_the_policy_allows_nothing_of_others_and_nothing_inline() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert {source for rule in rules.values() for source in rule.split()} == {"'none'", "'self'", "blob:", "'script'"}
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert (rules["require-trusted-types-for"], rules["trusted-types"]) == ("'script'", "'none'")


def test_others_than_this_machine() -> None:
    """With a token they get the page, which has no data; without one, and by names that are not ours, they do not."""
    for more in ({"peer": "192.168.1.7"}, {"host": "evil.example"}, {"host": ""}):
        assert get(PAGE, **more).status == 403
        assert get(PAGE, Config(control_token=TOKEN), **more).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "none", **NAVIGATION}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site", **NAVIGATION}, 200),  # a link
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8080"}, 200),
    ],
)
@pytest.mark.parametrize("token", ["", TOKEN])
def test_pages_of_others(headers: dict[str, str], status: int, token: str) -> None:
    assert get(PAGE, Config(control_token=token), **headers).status == status


def test_no_page() -> None:
    for path in (PREFIX, PAGE, ICON):
        reply = get(path, Config(inspector=Access.OFF))
        assert (reply.status, "fal_inspector=off" in message(reply)) == (404, True)
        assert get(path, Config(inspector=Access.READ)).status in (200, 307)
