"""The URLs of webhooks: refused with a reason that does not repeat them, or a request that can be sent."""

from __future__ import annotations

import h11
from hypothesis import strategies as st

from falmock.wire import webhook
from fuzz.strategies.texts import TEXTS

_HOSTS = st.sampled_from(
    [
        *("example.com", "127.0.0.1", "localhost", "[::1]", "[::1", "::1", "[fe80::1%25eth0]", "0x7f.1", "2130706433"),
        *(
            "user:pa ss@example.com",
            "a@b@c",
            "EXAMPLE.com.",
            "fal\u3002run",
            "exa\xadmple.com",
            "xn--a",
            "xn--",
            "a..b",
            ".",
        ),
        *("b" * 64 + ".com", ".".join(["a"] * 130), "bücher.example", "-a.com", "a_b.com", "%65xample.com"),
    ]
)
_PORTS = st.sampled_from(["", "", ":80", ":0", ":65536", ":x", ":", ":-1", ":\u0664"])
CASES = (
    st.tuples(
        st.sampled_from(["http://", "https://", "HTTPS://", "ftp://", "//", "", "http:", "http:///"]),
        _HOSTS | TEXTS,
        _PORTS,
        st.just("") | TEXTS.map("/{}".format),
        st.just("") | TEXTS.map("?{}".format),
        st.just("") | TEXTS.map("#{}".format),
    ).map("".join)
    | TEXTS
)


def check(url: str) -> None:
    try:
        target = webhook.target(url)
    except webhook.BadWebhookTarget as error:
        assert str(error)
        return
    assert target.scheme in ("http", "https")
    assert 0 < target.port < 65536
    assert target.host == target.host.strip().lower()
    assert "\n" not in target.shown
    fields = webhook.headers(target, "id", 1, b"\x00")
    connection = h11.Connection(h11.CLIENT)
    sent = connection.send(h11.Request(method="POST", target=target.path, headers=[*fields, (b"Content-Length", b"0")]))
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent or b"")
    assert isinstance(server.next_event(), h11.Request)
