from __future__ import annotations

import gc
import tracemalloc

import pytest
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils
from mitmproxy.websocket import WebSocketMessage

from falmock.proxy.screens import redacted_copies as printed_
from falmock.redaction.redactor import Redactor
from falmock.wire.formats.compression import MAX_PIECE
from falmock.wire.formats.encodings import TooLarge
from unit.proxy.screens import KEY
from unit.proxy.screens import Printed
from unit.proxy.screens import flow_to
from unit.wire.formats.squeezing import MEBIBYTE
from unit.wire.formats.squeezing import bomb

# mitmproxy 12 parses filters in a way that its library would like to see changed.
pytestmark = pytest.mark.filterwarnings("ignore:'parse:DeprecationWarning")


@pytest.mark.parametrize("detail", [1, 2, 3, 4])
def test_of_a_fal_flow_no_secret_is_printed(printed: Printed, detail: int) -> None:
    flow = flow_to("fal.run", f'{{"a": "{KEY}"}}'.encode())
    flow.error = flows_.Error(f"it broke at {KEY}")
    text = printed(flow, flow_detail=detail)
    assert "planted" not in text
    assert "http://fal.run:22/fal-ai/flux/dev?[hidden]" in text
    assert "it broke at [hidden]" in text
    assert ("authorization: [hidden]" in text) == (detail >= 2)
    assert ("accept: */*" in text) == (detail >= 2)
    assert ("x-note: [hidden]" in text) == (detail >= 2)
    assert ("set-cookie: [hidden]" in text) == (detail >= 2)
    assert ("location: https://x.y/z?[hidden]" in text) == (detail >= 2)


@pytest.mark.parametrize("detail", [2, 3])
def test_bytes_that_are_no_text_are_printed_as_escapes(printed: Printed, detail: int) -> None:
    flow = flow_to("fal.run", b"{}")
    flow.request.data.path = b"/x\xff/\xed\xa0\x80/\xc3\xa9?logs=\xff"
    text = printed(flow, flow_detail=detail)
    assert r"/x\udcff/\udced\udca0\udc80/é?logs=\udcff" in text


def test_the_flow_itself_is_left_as_it_is(printed: Printed) -> None:
    flow = flow_to("fal.run", KEY.encode())
    before = flow.get_state()
    printed(flow, flow_detail=4)
    assert flow.get_state() == before


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (f'{{"token": "{KEY}"}}'.encode(), {}),
        (b"\xff\x00" + KEY.encode(), {}),
        (
            f"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n{KEY}\r\n--x--\r\n".encode(),
            {"content_type": "multipart/form-data; boundary=x"},
        ),
        (KEY.encode() + b"x" * printed_.MAX_READ, {}),
    ],
)
@pytest.mark.parametrize("view", ["auto", "raw", "json", "multipart form"])
def test_bodies_in_any_view(printed: Printed, body: bytes, headers: dict[str, str], view: str) -> None:
    text = printed(flow_to("fal.run", body, **headers), flow_detail=4, dumper_default_contentview=view)
    assert "planted" not in text
    assert "hidden" in text or "too long to search" in text


def test_encoded_bodies(printed: Printed) -> None:
    flow = flow_to("fal.run", f'{{"a": "{KEY}", "b": 1}}'.encode())
    flow.request.encode("gzip")
    text = printed(flow, flow_detail=4, dumper_default_contentview="raw")
    assert '{"a": "[hidden]", "b": 1}' in text
    flow.request.raw_content = f"not gzip: {KEY}".encode()
    text = printed(flow, flow_detail=4, dumper_default_contentview="raw")
    assert "not gzip: [hidden]" in text
    assert "planted" not in text


def test_sockets(printed: Printed) -> None:
    flow = tflow.twebsocketflow()
    flow.request = flow_to("fal.run").request
    assert flow.websocket is not None
    flow.websocket.messages[-1].content = f"hello {KEY}".encode()
    flow.websocket.close_reason, flow.websocket.close_code = f"enough, {KEY}", 1000
    printed.redactor.learn({"authorization": f"Key {KEY}"})
    message = printed(flow, "websocket_message", flow_detail=3)
    assert "/fal-ai/flux/dev?[hidden]" in message
    assert "hello [hidden]" in message
    assert "1000 enough, [hidden]" in printed(flow, "websocket_end", flow_detail=3)
    assert flow.websocket.close_reason == f"enough, {KEY}"


@pytest.mark.parametrize("view", ["auto", "raw", "hex"])
def test_secrets_in_msgpack_are_hidden_though_nothing_gives_them_away_but_their_key(
    printed: Printed, view: str
) -> None:
    flow = tflow.twebsocketflow()
    flow.request = flow_to("fal.run").request
    assert flow.websocket is not None
    content = b"\x82\xa5token\xb0planted-secret-1\xa5image\xc4\x03abc"
    flow.websocket.messages = [WebSocketMessage(2, True, content)]
    text = printed(flow, "websocket_message", flow_detail=4, dumper_default_contentview=view)
    assert "token" in text
    assert "planted" not in text
    assert "(3 bytes)" in text
    assert flow.websocket.messages[0].content == content
    flow.websocket.messages = [WebSocketMessage(2, True, b"\x81\xa1a\xdb\x00\x20\x00\x00" + b"a" * 2**21)]
    assert "too long to search" in printed(
        flow, "websocket_message", flow_detail=4, dumper_default_contentview=view
    ).replace("\n", "")


def test_a_body_that_is_too_long_is_left_out(printed: Printed) -> None:
    flow = flow_to("fal.run", b"x" * (printed_.MAX_READ + 1))
    text = printed(flow, flow_detail=4, dumper_default_contentview="raw")
    assert text.count("(1,048,577 bytes, too long to search for secrets)") == 2


@pytest.mark.parametrize("view", ["raw", "auto"])
def test_a_bomb_is_not_decoded(printed: Printed, view: str) -> None:
    flow = flow_to("fal.run", b"{}")
    assert flow.response is not None
    for message in (flow.request, flow.response):
        message.headers["content-encoding"] = "br"
        message.raw_content = bomb("br", 64 * MEBIBYTE)
    tracemalloc.start()
    text = printed(flow, flow_detail=4, dumper_default_contentview=view)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert text.replace("\n", "").count("expected at most 2097152: too long to search for secrets)") == 2
    assert peak < 2 * MAX_PIECE + 16 * MEBIBYTE
    assert flow.request.headers["content-encoding"] == "br"


def test_what_was_decoded_of_a_bomb_is_free_again() -> None:
    message = tutils.treq(headers=http.Headers(content_encoding="br"))
    message.raw_content = bomb("br", 4 * MEBIBYTE)
    gc.collect()
    gc.disable()
    try:
        printed_.message_without_secrets(message, Redactor())
        assert not [each for each in gc.get_objects() if isinstance(each, TooLarge)]
    finally:
        gc.enable()
