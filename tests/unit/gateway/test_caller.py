from __future__ import annotations

import pytest

from falmock.gateway.caller import is_from_nearby
from falmock.wire.message import Request


def request(host: str, origin: str | None = None) -> Request:
    headers = {} if origin is None else {"origin": origin}
    return Request("POST", host, "/", "", headers, b"")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "[::1]", "192.168.1.7", "8.8.8.8", "localhost", "falmock", "my-app.localhost", "mock.local", "Mock.Test.", "127.1", "0x7f000001", "[::ffff:127.0.0.1]"]
)  # fmt: skip
def test_a_program_that_calls_falmock_by_address_or_local_name(host: str) -> None:
    assert is_from_nearby(request(host))


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.nip.io", "localhost.evil.com", "", ".", "local"[:-5] + "evil.com."]
)
def test_a_name_that_anybody_may_have_point_here(host: str) -> None:
    assert not is_from_nearby(request(host))


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "http://127.0.0.1:5173",
        "https://[::1]:3000",
        "http://10.0.0.4",
        "http://app.localhost",
        "http://app:3000",
    ],
)
def test_a_page_of_the_developers_own(origin: str) -> None:
    assert is_from_nearby(request("127.0.0.1", origin))


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://8.8.8.8",
        "http://[2606:4700::1]",
        "http://localhost.evil.com",
        "http://[x",
        "evil",
        "//",
    ],
)
def test_a_page_from_elsewhere(origin: str) -> None:
    assert not is_from_nearby(request("127.0.0.1", origin))
