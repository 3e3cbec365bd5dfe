"""Who may call the control API."""

from __future__ import annotations

import json

import pytest

from falmock.engine.config import Inspector
from falmock.redaction.redactor import HIDDEN
from unit.gateway.steering import Steered

TOKEN = "a-token-of-16-ch"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080", "127.8.9.1:1", "localhost"]
)
def test_falmock_by_its_own_names(host: str) -> None:
    name = host if host == "localhost" else host.rpartition(":")[0]
    assert Steered().reply("GET", "/health", headers={"host": host}, host=name).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "0.0.0.0",
        "192.168.1.7",
        "falmock.internal",
        "xlocalhost",
        "2130706433",
        "",
    ],
)
def test_a_name_that_was_made_to_point_here(host: str) -> None:
    steered = Steered()
    for method, path in (("GET", "/health"), ("POST", "/reset"), ("GET", "/nothing"), ("PATCH", "/health")):
        reply = steered.reply(method, path, headers={"host": f"{host}:8080"}, host=host)
        assert (reply.status, b"Host" in bytes(reply.body)) == (403, True)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_programs_on_this_machine(peer: str) -> None:
    assert Steered().reply("GET", "/health", peer=peer).status == 200


@pytest.mark.parametrize("peer", ["192.168.1.7", "8.8.8.8", "fe80::1", "::ffff:8.8.8.8", "", "unknown", "0.0.0.0"])
def test_others_need_a_token(peer: str) -> None:
    assert Steered().reply("GET", "/health", peer=peer).status == 403
    steered = Steered(control_token=TOKEN)
    bearer = {"host": "falmock.internal:8080", "authorization": f"Bearer {TOKEN}"}
    assert steered.reply("GET", "/health", peer=peer, headers=bearer).status == 200


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        TOKEN,
        f"Basic {TOKEN}",
        f"Key {TOKEN}",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer é",
    ],
)
def test_a_token_is_asked_of_everybody(given: str | None) -> None:
    reply = Steered(control_token=TOKEN).reply(
        "GET", "/health", headers={} if given is None else {"authorization": given}
    )
    assert reply.status == 401
    assert (b"WWW-Authenticate", b'Bearer realm="falmock"') in reply.headers
    assert TOKEN.encode() not in bytes(reply.body)


def test_a_token_is_hidden_from_then_on() -> None:
    steered = Steered(control_token=TOKEN)
    assert steered.engines.common.redactor.text(f"told {TOKEN}") == f"told {HIDDEN}"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://evil.example:8080",
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:8081",
        "http://localhost:8080",
        "http://127.0.0.1:8080.evil.example",
        "http://127.0.0.1:8080@evil.example",
        "http://evil.example@127.0.0.1:8080",
        "http://[::1",
        "file://127.0.0.1:8080",
        "chrome-extension://127.0.0.1:8080",
    ],
)
@pytest.mark.parametrize("token", ["", TOKEN])
def test_a_page_of_another_origin(origin: str, token: str) -> None:
    steered = Steered(control_token=token)
    for method, path in (("GET", "/health"), ("POST", "/reset"), ("OPTIONS", "/reset"), ("DELETE", "/journal")):
        headers = {"origin": origin, "authorization": f"Bearer {TOKEN}", "access-control-request-method": method}
        reply = steered.reply(method, path, headers=headers)
        assert reply.status == 403
        assert not any(name.lower().startswith(b"access-control") for name, _ in reply.headers)


def test_a_page_of_our_own_origin_is_answered_and_given_no_grant() -> None:
    reply = Steered().reply("GET", "/health", headers={"origin": "http://127.0.0.1:8080"})
    assert reply.status == 200
    assert not any(name.lower().startswith(b"access-control") for name, _ in reply.headers)
    preflight = Steered().reply("OPTIONS", "/reset", headers={"origin": "http://127.0.0.1:8080"})
    assert (preflight.status, json.loads(bytes(preflight.body))["message"]) == (
        405,
        "/__falmock/reset is called with POST, not OPTIONS",
    )


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_a_page_that_tells_no_origin(site: str, status: int) -> None:
    assert Steered().reply("GET", "/journal", headers={"sec-fetch-site": site}).status == status


PAGES = ({"sec-fetch-site": "same-origin"}, {"origin": "http://127.0.0.1:8080"}, {"sec-fetch-site": "none"})


@pytest.mark.parametrize("headers", PAGES)
@pytest.mark.parametrize("access", [Inspector.OFF, Inspector.READ])
def test_pages_that_may_only_read(access: Inspector, headers: dict[str, str]) -> None:
    steered = Steered(inspector=access)
    for method, path in (("POST", "/reset"), ("PUT", "/faults"), ("DELETE", "/journal"), ("POST", "/fixtures/from")):
        reply = steered.reply(method, path, headers=headers)
        assert (reply.status, f"fal_inspector={access.value}".encode() in bytes(reply.body)) == (403, True)
    assert steered.reply("GET", "/journal", headers=headers).status == 200
    assert steered.reply("POST", "/verify", {"calls": []}, headers=headers).status == 200
    assert steered.reply("POST", "/reset").status == 200


@pytest.mark.parametrize("headers", PAGES)
def test_pages_that_may_write(headers: dict[str, str]) -> None:
    assert Steered().reply("POST", "/reset", headers=headers).status == 200


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
@pytest.mark.parametrize("more", [{}, {"origin": "http://127.0.0.1:8080"}, {"sec-fetch-dest": "image"}])
def test_no_operation_answers_a_page_of_another_origin(headers: dict[str, str], more: dict[str, str]) -> None:
    """Such as by `<img src>`, which sends no Origin."""
    steered = Steered()
    for path, methods in steered.ask("GET", "/openapi.json")["paths"].items():
        for method in (*map(str.upper, methods), "HEAD"):
            reply = steered.reply(method, path.removeprefix("/__falmock"), headers={**headers, **more})
            assert (reply.status, b"not for web pages" in bytes(reply.body)) == (403, True), (method, path)
