from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.captures import cassette
from falmock.recording.captures import yaml_text
from falmock.recording.captures.capture import NotACapture
from falmock.recording.captures.capture import Unusable
from falmock.recording.exchange import Exchange
from unit.recording.exchanges import PNG

DATE = "Wed, 04 Mar 2026 10:00:00 GMT"
AT = 1772618400.0


def interaction(
    body: Any = '{"prompt":"a cat"}', answered: Any = '{"n":1}', headers: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "request": {
            "body": body,
            "headers": {"Content-Type": ["application/json"], "X-A": ["1", "2"]},
            "method": "post",
            "uri": "https://FAL.run/a/b?x=1",
        },
        "response": {
            "body": {"string": answered},
            "headers": {"content-type": ["application/json"], "date": [DATE]} if headers is None else headers,
            "status": {"code": 200, "message": "OK"},
        },
        **more,
    }


def read(*interactions: Any) -> list[Any]:
    return list(cassette.read({"version": 1, "interactions": list(interactions)}))


def one(*args: Any, **more: Any) -> Exchange:
    (found,) = read(interaction(*args, **more))
    assert isinstance(found, Exchange), found
    return found


def test_an_interaction_is_an_exchange() -> None:
    found = one()
    request = found.request
    assert (request.method, request.host, request.path, request.query) == ("POST", "fal.run", "/a/b", "x=1")
    assert request.headers == {"content-type": "application/json", "x-a": "2"}
    assert request.body == b'{"prompt":"a cat"}'
    assert (found.status, found.body, found.content_type, found.lost) == (200, b'{"n":1}', "application/json", "")
    assert (found.started, found.ended) == (AT, AT)


@pytest.mark.parametrize(
    ("stored", "body"),
    [
        (PNG, PNG),
        ("größe", "größe".encode()),
        (None, b""),
        ({"string": PNG}, PNG),
        ({"base64_string": base64.b64encode(PNG).decode()}, PNG),
        ({"encoding": "utf-8", "string": "x"}, b"x"),
    ],
)
def test_bodies_are_text_or_bytes(stored: Any, body: bytes) -> None:
    assert one(body=stored).request.body == body
    if not isinstance(stored, dict):
        assert one(answered=stored).body == body


def test_what_yaml_takes_for_a_number_is_the_text_that_was_sent() -> None:
    text = """
version: 1
interactions:
- request: {body: 1e3, headers: {x-a: [yes]}, method: POST, uri: https://fal.run/a/b}
  response: {body: {string: !!binary iVBORw==}, headers: {}, status: {code: 200, message: OK}}
"""
    (found,) = cassette.read(yaml_text.load(text))
    assert isinstance(found, Exchange)
    assert (found.request.body, found.request.headers, found.body) == (b"1e3", {"x-a": "yes"}, b"\x89PNG")


def test_a_compressed_body_is_decoded() -> None:
    packed = gzip.compress(b'{"n":2}')
    headers = {"Content-Encoding": ["gzip"], "Content-Length": [str(len(packed))]}
    assert one(answered=packed, headers=headers).body == b'{"n":2}'
    # Decoded by vcrpy or by the client before it was stored, with the header left as it was.
    assert (one(answered='{"n":2}', headers=headers).body, one(answered='{"n":2}', headers=headers).lost) == (
        b'{"n":2}',
        "",
    )
    assert one(answered=PNG, headers=headers).lost == "its body is not encoded as its headers say"
    assert one(answered=None, headers={"content-encoding": ["br"]}).body == b""


def test_a_compressed_body_is_decoded_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cassette, "FILE_LIMIT", 100)
    monkeypatch.setattr(cassette, "FILE_RATIO", 1)
    packed = gzip.compress(bytes(101))
    lost = f"its body is too large: more than 100 bytes in {len(packed)} bytes of gzip, expected at most 100"
    found = one(answered=packed, headers={"content-encoding": ["gzip"]})
    assert (found.body, found.lost) == (b"", lost)
    assert one(answered=gzip.compress(bytes(100)), headers={"content-encoding": ["gzip"]}).body == bytes(100)


def test_a_cut_body_is_lost() -> None:
    headers = {"content-length": ["9"]}
    assert one(headers=headers).lost == "the cassette has 7 of the 9 bytes of the answer"
    assert one(headers={"content-length": ["7"]}).lost == ""
    packed = gzip.compress(b"{}")
    headers = {"content-encoding": ["gzip"], "content-length": [str(len(packed) + 1)]}
    assert "of the" in one(answered=packed, headers=headers).lost


def test_the_answers_of_httpx_before_version_6() -> None:
    old = interaction()
    old["response"] = {"status_code": 201, "http_version": "HTTP/1.1", "headers": {"a": "b"}, "content": '{"n":3}'}
    (found,) = read(old)
    assert (found.status, found.headers, found.body) == (201, {"a": "b"}, b'{"n":3}')


@pytest.mark.parametrize(
    ("recorded_at", "date", "at"),
    [
        ("2026-03-04T10:00:00.5Z", "", AT + 0.5),
        ("2026-03-04 10:00:00", "", AT),
        ("1772618400.25", DATE, AT + 0.25),
        (AT + 3, DATE, AT + 3),
        (None, DATE, AT),
        ("soon", DATE, AT),
        (None, "soon", 0.0),
        (None, "", 0.0),
    ],
)
def test_times(recorded_at: Any, date: str, at: float) -> None:
    assert one(headers={"date": [date]}, recorded_at=recorded_at).started == at


def test_the_order_counts_whatever_the_times_say() -> None:
    late = {"date": ["Wed, 04 Mar 2026 10:00:05 GMT"]}
    found = read(interaction(headers={}), interaction(headers=late), interaction(), interaction(headers={}))
    assert [each.started for each in found] == [0.0, AT + 5, AT + 5, AT + 5]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        1,
        [],
        {},
        {"request": {}},
        interaction() | {"response": None},
        interaction(body=[1]),
        interaction(headers=[["a", "b"]]),
        interaction() | {"response": {"headers": {}}},
        interaction() | {"request": {"method": "GET", "uri": "https://[fal.run/"}},
    ],
)
def test_an_interaction_that_cannot_be_read_is_named_and_the_rest_is_used(broken: Any) -> None:
    found = read(broken, interaction())
    assert [type(each) for each in found] == [Unusable, Exchange]
    assert found[0].what.startswith("interaction 0")
    assert found[0].why.startswith("it is not as vcrpy writes it")


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([{"request": {}, "response": {}}], "found one from before version 1: `python -m vcr.migration` converts it"),
        ({"version": "2", "interactions": []}, "found version 2"),
        ({"http_interactions": [], "recorded_with": "VCR 6"}, "found `http_interactions`"),
        ({"interactions": {}}, "found `interactions` that are no list"),
    ],
)
def test_cassettes_of_others(document: Any, found: str) -> None:
    assert cassette.claims(document)
    with pytest.raises(NotACapture, match="expected a cassette of vcrpy, version 1") as refused:
        cassette.read(document)
    assert found in str(refused.value)


def test_what_is_no_cassette() -> None:
    assert not any(map(cassette.claims, ([], [1], {}, {"log": {}}, None, "interactions")))


@given(st.text(max_size=30) | st.binary(max_size=30), st.binary(max_size=30))
def test_a_body_comes_out_as_it_was(sent: str | bytes, received: bytes) -> None:
    found = one(body=sent, answered=received)
    assert found.request.body == (sent.encode() if isinstance(sent, str) else sent)
    assert found.body == received


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["request", "response"]), JSON)
def test_whatever_is_in_an_interaction_it_is_read_or_named(part: str, value: Any) -> None:
    whole = interaction()
    for place in whole[part]:
        read(json.loads(json.dumps(whole | {part: whole[part] | {place: value}})))
    read(whole | {part: value})
