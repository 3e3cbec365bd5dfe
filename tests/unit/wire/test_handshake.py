from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto import WSConnection
from wsproto import events
from wsproto.extensions import PerMessageDeflate

from falmock.wire import handshake

GOOD = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def asked(method: str = "GET", http_version: str = "HTTP/1.1", **headers: str) -> handshake.BadHandshake | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return handshake.problem(
        method, http_version, {name: value for name, value in (GOOD | named).items() if value != "-"}
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"upgrade": "WebSocket", "connection": "keep-alive, upgrade"},
        {"content_length": "0"},
        {"sec_websocket_protocol": "json, x.y-1"},
        {"sec_websocket_extensions": "permessage-deflate; client_max_window_bits"},
        {"sec_websocket_extensions": 'permessage-deflate; server_max_window_bits="10", x-webkit-deflate-frame'},
        {"origin": "https://é.test", "x-any": "\x01"},
    ],
)
def test_good_handshakes(headers: dict[str, str]) -> None:
    assert asked(**headers) is None


@pytest.mark.parametrize(
    ("status", "text", "given"),
    [
        (400, "found POST", {"method": "POST"}),
        (400, "found HEAD", {"method": "HEAD"}),
        (400, "found HTTP/1.0", {"http_version": "HTTP/1.0"}),
        (400, "no other protocol", {"upgrade": "websocket, h2c"}),
        (400, "no other protocol", {"upgrade": "websocket, websocket"}),
        (400, "Connection: Upgrade", {"connection": "-"}),
        (400, "Connection: Upgrade", {"connection": "keep-alive"}),
        (400, "no body", {"content_length": "5"}),
        (400, "no body", {"transfer_encoding": "chunked"}),
        (426, "found 12", {"sec_websocket_version": "12"}),
        (426, "found none", {"sec_websocket_version": "-"}),
        (426, "found 13, 13", {"sec_websocket_version": "13, 13"}),
        (426, "found 13é", {"sec_websocket_version": "13é"}),
        (400, "Key", {"sec_websocket_key": "-"}),
        (400, "Key", {"sec_websocket_key": ""}),
        (400, "Key", {"sec_websocket_key": "short"}),
        (400, "Key", {"sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ"}),
        (400, "Key", {"sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="}),
        (400, "Key", {"sec_websocket_key": "é" * 24}),
        (400, "Protocol", {"sec_websocket_protocol": ""}),
        (400, "Protocol", {"sec_websocket_protocol": "a,,b"}),
        (400, "Protocol", {"sec_websocket_protocol": "a b"}),
        (400, "Protocol", {"sec_websocket_protocol": "a, a"}),
        (400, "Protocol", {"sec_websocket_protocol": "é"}),
        (400, "Extensions", {"sec_websocket_extensions": ""}),
        (400, "Extensions", {"sec_websocket_extensions": "a,,b"}),
        (400, "Extensions", {"sec_websocket_extensions": "permessage-deflate; ="}),
        (400, "Extensions", {"sec_websocket_extensions": "permessage-deflate; a=b c"}),
        (400, "Extensions", {"sec_websocket_extensions": "a=b"}),
        (400, "Extensions", {"sec_websocket_extensions": "é"}),
    ],
)
def test_bad_handshakes(status: int, text: str, given: dict[str, str]) -> None:
    bad = asked(**given)
    assert bad is not None
    assert bad.status == status
    assert text in bad.text
    assert (b"Sec-WebSocket-Version", b"13") in bad.headers
    assert ((b"Upgrade", b"websocket") in bad.headers) is (status == 426)


@pytest.mark.parametrize(
    ("headers", "asks"),
    [
        ({}, False),
        ({"upgrade": "h2c"}, False),
        ({"upgrade": "WebSocket"}, True),
        ({"upgrade": "h2c, websocket"}, True),
        ({"upgrade": "websocketish"}, False),
    ],
)
def test_what_asks_for_a_socket(headers: dict[str, str], asks: bool) -> None:  # noqa: FBT001
    assert handshake.asks_for_socket(headers) is asks


@pytest.mark.parametrize(
    ("extensions", "offers"),
    [
        (None, ""),
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits"),
        ('a, permessage-deflate;server_max_window_bits="10"', "permessage-deflate; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=16", ""),
        ("permessage-deflate; server_max_window_bits", ""),
        ("permessage-deflate; client_no_context_takeover=1", ""),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", ""),
        ("permessage-deflate; unknown", ""),
        ("permessage-deflate; client_max_window_bits=abc, permessage-deflate", "permessage-deflate"),
    ],
)
def test_offers_that_are_invalid_are_declined(extensions: str | None, offers: str) -> None:
    assert handshake.deflate_offers(extensions) == offers


words = st.sampled_from(
    [
        "permessage-deflate",
        ";",
        ",",
        "=",
        " ",
        '"',
        "client_max_window_bits",
        "server_max_window_bits",
        "8",
        "15",
        "99",
        "é",
    ]
)


@given(st.lists(words, max_size=12).map("".join))
def test_wsproto_accepts_every_offer_that_is_left(extensions: str) -> None:
    offers = handshake.deflate_offers(extensions)
    fields = [(name.encode(), value.encode()) for name, value in GOOD.items()]
    fields += [(b"host", b"localhost"), *([(b"sec-websocket-extensions", offers.encode())] if offers else [])]
    line = WSConnection(ConnectionType.SERVER)
    line.initiate_upgrade_connection(fields, "/")
    assert isinstance(next(iter(line.events())), events.Request)
    assert b" 101 " in line.send(events.AcceptConnection(extensions=[PerMessageDeflate()]))
