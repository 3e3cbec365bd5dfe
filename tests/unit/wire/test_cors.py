from __future__ import annotations

from falmock.wire import cors
from falmock.wire.message import header_map

EXPOSED = [
    "x-fal-request-id",
    "x-fal-billable-units",
    "x-falmock-fixture",
    "x-falmock-miss",
    "x-falmock-fault",
    "etag",
]


def exposed(text: str) -> bool:
    return set(EXPOSED) <= set(text.split(", "))


def test_a_request_without_an_origin_is_not_told_of_origins() -> None:
    assert cors.simple({}) == ()
    assert cors.simple({"cookie": "a=b"}) == ()


def test_a_request_from_another_origin() -> None:
    headers = header_map(cors.simple({"origin": "https://app.test"}))
    assert exposed(headers.pop("access-control-expose-headers"))
    assert headers == {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"}


def test_a_request_with_a_cookie_is_told_its_own_origin() -> None:
    headers = header_map(cors.simple({"origin": "https://app.test", "cookie": "a=b"}))
    assert headers["access-control-allow-origin"] == "https://app.test"
    assert headers["vary"] == "Origin"
    assert headers["access-control-allow-credentials"] == "true"
    assert exposed(headers["access-control-expose-headers"])


def test_files_are_open_to_every_origin() -> None:
    headers = header_map(cors.public())
    assert headers["access-control-allow-origin"] == "*"
    assert "content-range" in headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in headers


def test_a_preflight_is_allowed_what_it_asks_for() -> None:
    asked = {
        "origin": "https://app.test",
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization,content-type,x-fal-queue-priority",
    }
    headers = header_map(cors.preflight(asked))
    assert headers == {
        "access-control-allow-origin": "https://app.test",
        "vary": "Origin",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
        "access-control-max-age": "600",
        "access-control-allow-headers": "authorization,content-type,x-fal-queue-priority",
    }


def test_a_preflight_that_names_nothing() -> None:
    headers = header_map(cors.preflight({}))
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-headers"] == "*"


def test_an_origin_is_echoed_whatever_its_letters() -> None:
    assert (b"access-control-allow-origin", "https://é.test".encode()) in cors.preflight({"origin": "https://é.test"})


def test_what_is_reflected_cannot_end_its_header() -> None:
    asked = {"origin": "https://a\r\nb: c", "access-control-request-headers": "x\x00\n", "cookie": "a"}
    assert dict(cors.simple(asked))[b"access-control-allow-origin"] == b"https://a%0D%0Ab: c"
    found = dict(cors.preflight(asked))
    assert found[b"access-control-allow-origin"] == b"https://a%0D%0Ab: c"
    assert found[b"access-control-allow-headers"] == b"x%00%0A"
