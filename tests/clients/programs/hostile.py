"""Asks a proxy for hosts by names in hostile spellings, in every form that a request can have, on raw sockets.

Reads JSON from standard input: `{"ports": {"regular": ..., "upstream": ..., "socks5": ...}, "names": {FORM: [NAME, ...]}}`.
A name is text that is sent as UTF-8. Prints JSON: by form, what came of each name: a status, "refused", "closed", or
"nothing" if no answer came.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import h2.config
import h2.connection
import h2.events
from OpenSSL import SSL

SECONDS = 20
LONGEST_NAME = 255
PATH = "/fal-ai/hostile"
_PORTS: dict[str, int] = {}


class Wire:
    """A connection to the proxy: a plain socket, or TLS inside it."""

    def __init__(self, mode: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", _PORTS[mode]))
        self.tls: SSL.Connection | None = None
        self.is_late = False

    def begin_tls(self, name: bytes | None, alpn: bytes = b"http/1.1") -> None:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_alpn_protos([alpn])
        self.tls = SSL.Connection(context, self.socket)
        if name:
            if len(name) > LONGEST_NAME:
                raise ValueError("OpenSSL would send no name")
            self.tls.set_tlsext_host_name(name)
        self.tls.set_connect_state()
        self.tls.do_handshake()

    def send(self, data: bytes) -> None:
        (self.tls or self.socket).sendall(data)

    def receive(self) -> bytes:
        try:
            return (self.tls or self.socket).recv(65536)
        except SSL.ZeroReturnError:
            return b""

    def ask(self, data: bytes) -> str:
        """Send a request, and return the status of the answer, or what came instead."""
        self.send(data)
        got = b""
        while b"\r\n\r\n" not in got:
            part = self.receive()
            if not part:
                break
            got += part
        return got[9:12].decode("latin-1") if got.startswith(b"HTTP/1.") else "closed"

    def tunnel(self, host: bytes, port: int) -> bool:
        """Ask for a tunnel, and return whether it is open."""
        return self.ask(b"CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (host, port, host, port)) == "200"

    def ask_over_http2(self, authority: bytes, *more: tuple[bytes, bytes]) -> str:
        config = h2.config.H2Configuration(header_encoding=False, validate_outbound_headers=False)
        http = h2.connection.H2Connection(config)
        http.initiate_connection()
        head = ((b":method", b"GET"), (b":scheme", b"https"), (b":path", PATH.encode()), (b":authority", authority))
        http.send_headers(1, [*head, *more], end_stream=True)
        self.send(http.data_to_send())
        while data := self.receive():
            for event in http.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return dict(event.headers)[b":status"].decode()
                if isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                    return "reset"
        return "closed"


def get(host: bytes, target: bytes = PATH.encode(), *more: bytes) -> bytes:
    """A GET for a host."""
    return b"\r\n".join([b"GET %s HTTP/1.1" % target, b"Host: " + host, *more, b"", b""])


SOCKET = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
Form = Callable[[bytes, bytes], str]
FORMS: dict[str, Form] = {}
"""Each form by its name. It takes the name of a host, and the address of another host."""


def form(ask: Form) -> Form:
    FORMS[ask.__name__] = ask
    return ask


@form
def origin_form(name: bytes, _: bytes) -> str:
    return Wire("regular").ask(get(name))


@form
def origin_form_with_a_port(name: bytes, _: bytes) -> str:
    return Wire("regular").ask(get(name + b":443"))


@form
def origin_form_of_a_socket(name: bytes, _: bytes) -> str:
    return Wire("regular").ask(get(name, PATH.encode() + b"/realtime", *SOCKET))


@form
def origin_form_with_a_body(name: bytes, _: bytes) -> str:
    request = get(name, PATH.encode(), b"Content-Type: application/json", b"Content-Length: 2")
    return Wire("regular").ask(request.replace(b"GET", b"POST", 1) + b"{}")


@form
def absolute_form(name: bytes, _: bytes) -> str:
    return Wire("regular").ask(get(name, b"http://%s%s" % (name, PATH.encode())))


@form
def absolute_form_of_https(name: bytes, _: bytes) -> str:
    return Wire("regular").ask(get(name, b"https://%s%s" % (name, PATH.encode())))


@form
def host_header_with_a_user(name: bytes, other: bytes) -> str:
    return Wire("regular").ask(get(b"me@" + name, b"http://%s%s" % (other, PATH.encode())))


@form
def absolute_form_of_another_host(name: bytes, other: bytes) -> str:
    return Wire("regular").ask(get(name, b"http://%s%s" % (other, PATH.encode())))


@form
def second_host_header(name: bytes, other: bytes) -> str:
    return Wire("regular").ask(get(other, b"http://%s%s" % (other, PATH.encode()), b"Host: " + name))


@form
def malformed_host_header(name: bytes, other: bytes) -> str:
    return Wire("regular").ask(get(name + b":99999", b"http://%s%s" % (other, PATH.encode())))


@form
def tunnel(name: bytes, _: bytes) -> str:
    wire = _in_tls_of(name, name)
    return "refused" if wire is None else wire.ask(get(name))


@form
def tunnel_without_tls(name: bytes, _: bytes) -> str:
    wire = Wire("regular")
    return wire.ask(get(name)) if wire.tunnel(name, 80) else "refused"


@form
def tunnel_of_something_else(name: bytes, _: bytes) -> str:
    wire = Wire("regular")
    return wire.ask(b"\0\1\2\3 no protocol that is known\n\n") if wire.tunnel(name, 5432) else "refused"


@form
def tunnel_to_another_host(name: bytes, other: bytes) -> str:
    wire = Wire("regular")
    return wire.ask(get(name)) if wire.tunnel(other, 80) else "refused"


def _in_tls_of(host: bytes, name: bytes | None, alpn: bytes = b"http/1.1", mode: str = "regular") -> Wire | None:
    """TLS with this name in a tunnel to this host; None if it is refused."""
    wire = Wire(mode)
    if not wire.tunnel(host, 443):
        return None
    wire.begin_tls(name, alpn)
    return wire


@form
def tls_name_for_another_host(name: bytes, other: bytes) -> str:
    wire = _in_tls_of(other, name)
    return "refused" if wire is None else wire.ask(get(other))


@form
def host_header_in_tls_of_another_host(name: bytes, other: bytes) -> str:
    wire = _in_tls_of(other, None)
    return "refused" if wire is None else wire.ask(get(name))


@form
def socket_in_tls_of_another_host(name: bytes, other: bytes) -> str:
    wire = _in_tls_of(other, None)
    return "refused" if wire is None else wire.ask(get(name, PATH.encode() + b"/realtime", *SOCKET))


@form
def http2(name: bytes, _: bytes) -> str:
    wire = Wire("regular")
    wire.begin_tls(None, b"h2")
    return wire.ask_over_http2(name)


@form
def http2_in_a_tunnel(name: bytes, other: bytes) -> str:
    wire = _in_tls_of(other, None, b"h2")
    return "refused" if wire is None else wire.ask_over_http2(name)


@form
def http2_with_a_host_header(name: bytes, other: bytes) -> str:
    wire = _in_tls_of(other, None, b"h2")
    return "refused" if wire is None else wire.ask_over_http2(other, (b"host", name))


@form
def upstream_proxy(name: bytes, _: bytes) -> str:
    return Wire("upstream").ask(get(name, b"http://%s%s" % (name, PATH.encode())))


@form
def upstream_proxy_and_origin_form(name: bytes, _: bytes) -> str:
    return Wire("upstream").ask(get(name))


@form
def upstream_proxy_and_tunnel(name: bytes, _: bytes) -> str:
    wire = _in_tls_of(name, name, mode="upstream")
    return "refused" if wire is None else wire.ask(get(name))


@form
def upstream_proxy_and_something_else(name: bytes, _: bytes) -> str:
    wire = Wire("upstream")
    return wire.ask(b"\0\1\2\3 no protocol that is known\n\n") if wire.tunnel(name, 5432) else "refused"


def _by_socks(name: bytes, port: int) -> Wire | None:
    wire = Wire("socks5")
    wire.send(b"\5\1\0")
    wire.receive()
    wire.send(b"\5\1\0\3" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    return wire if wire.receive()[1:2] == b"\0" else None


@form
def socks(name: bytes, other: bytes) -> str:
    wire = _by_socks(name, 80)
    return "refused" if wire is None else wire.ask(get(other))


@form
def socks_and_tls(name: bytes, _: bytes) -> str:
    wire = _by_socks(name, 443)
    if wire is None:
        return "refused"
    wire.begin_tls(name)
    return wire.ask(get(name))


@form
def socks_and_something_else(name: bytes, _: bytes) -> str:
    wire = _by_socks(name, 5432)
    return "refused" if wire is None else wire.ask(b"\0\1\2\3 no protocol that is known\n\n")


@form
def door_by_header(name: bytes, _: bytes) -> str:
    return Wire("regular").ask(get(b"127.0.0.1", b"/fal" + PATH.encode(), b"X-Fal-Target-Host: " + name))


@form
def door_by_path(name: bytes, _: bytes) -> str:
    return Wire("regular").ask(get(b"127.0.0.1", b"/fal/@%s%s" % (name, PATH.encode())))


@form
def server_proxy(name: bytes, _: bytes) -> str:
    target = b"X-Fal-Target-Url: https://%s%s" % (name, PATH.encode())
    return Wire("regular").ask(get(b"127.0.0.1", b"/api/fal/proxy", target))


def other_of(form: str) -> str:
    """An address of somebody else, which only this form uses."""
    return f"203.0.113.{100 + list(FORMS).index(form)}"


def outcome(ask: Form, name: str, other: str) -> str:
    """What came of a form with this name."""
    result: list[str] = []

    def work() -> None:
        try:
            result.append(ask(name.encode(), other.encode()))
        except (SSL.Error, OSError) as error:
            result.append(f"closed: {type(error).__name__}")
        except (TypeError, ValueError):  # the form has no room for such a name
            result.append("not sent")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return result[0] if result else "nothing"


def main() -> None:
    """Ask for all names."""
    given = json.load(sys.stdin)
    _PORTS.update(given["ports"])
    cases = [(form, name) for form, names in given["names"].items() for name in names]
    with ThreadPoolExecutor(24) as pool:
        outcomes = list(pool.map(lambda case: outcome(FORMS[case[0]], case[1], other_of(case[0])), cases))
    result: dict[str, dict[str, str]] = {}
    for (form, name), came in zip(cases, outcomes, strict=True):
        result.setdefault(form, {})[name] = came
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
