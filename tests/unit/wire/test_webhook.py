from __future__ import annotations

import base64
import hashlib
import json
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import webhook
from falmock.wire.webhook import AttemptOutcome
from falmock.wire.webhook import BadWebhookTarget
from falmock.wire.webhook import Policy
from falmock.wire.webhook import WebhookTarget

REQUEST_ID = "01900000-0000-7000-8000-000000000000"
DOCUMENTED = Policy()


# targets


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://ex.com/hook?a=1&b=2", WebhookTarget("https", "ex.com", 443, "/hook?a=1&b=2")),
        ("http://127.0.0.1:8000", WebhookTarget("http", "127.0.0.1", 8000, "/")),
        ("HTTP://Localhost./x#part", WebhookTarget("http", "localhost", 80, "/x")),
        ("http://[::1]:9/", WebhookTarget("http", "::1", 9, "/")),
        ("https://ex.com/a b/é%20?q=ü/?", WebhookTarget("https", "ex.com", 443, "/a%20b/%C3%A9%20?q=%C3%BC/?")),
        ("https://bücher.de/", WebhookTarget("https", "xn--bcher-kva.de", 443, "/")),
        ("https://me:p%40ss@ex.com/", WebhookTarget("https", "ex.com", 443, "/", "me:p@ss")),
    ],
)
def test_targets(url: str, target: WebhookTarget) -> None:
    assert webhook.target(url) == target


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("ex.com/hook", "found no scheme"),
        ("localhost:80/hook", "found the scheme 'localhost'"),
        ("ftp://ex.com/", "found the scheme 'ftp'"),
        ("https:///hook", "a host name, found none"),
        ("https://ex ample.com/", "found an invalid one"),
        ("https://./", "found an invalid one"),
        ("https://.example.com/", "found an invalid one"),
        (f"https://{'a' * 64}.example.com/", "253 characters at most, 1 to 63 between two dots"),
        ("https://a%2eb/", "found an invalid one"),
        ("https://ex.com:99999/", "cannot be read: Port out of range"),
        ("https://[ex.com/", "cannot be read: Invalid IPv6"),
        ("https://ex.com/\udc80", "UTF-8"),
        ("https://\udc80:secret@ex.com/", "UTF-8"),
    ],
)
def test_bad_targets(url: str, complaint: str) -> None:
    with pytest.raises(BadWebhookTarget, match=complaint):
        webhook.target(url)


@given(st.text(max_size=60) | st.builds("https://{}/{}".format, st.text(max_size=20), st.text(max_size=20)))
def test_any_text_is_a_target_that_fits_a_request_or_is_refused(url: str) -> None:
    try:
        target = webhook.target(url)
    except BadWebhookTarget:
        return
    assert target.host
    assert 0 < target.port < 65536
    assert target.path.startswith("/")
    line = f"{target.path} {target.authority}"
    assert line.isascii()
    assert not any(ord(character) <= 32 for character in line.replace(" ", "", 1))


@pytest.mark.parametrize("url", ["http://ex.com/", "https://ex.com:8443/", "http://[::1]/", "http://[::1]:81/"])
def test_the_authority_is_that_of_the_url(url: str) -> None:
    assert webhook.target(url).authority == urlsplit(url).netloc


def test_what_is_shown_of_a_target_holds_no_secret() -> None:
    assert webhook.target("https://me:pass@ex.com:8443/hook?token=abc").shown == "https://ex.com:8443/hook"


# bodies


def test_the_body_of_a_job_that_went_well() -> None:
    body = webhook.body(REQUEST_ID, 200, b'{"seed":15738016505585340234,"scale":1.10}')
    assert body == (
        b'{"error": null, "gateway_request_id": "%(id)s", "payload": {"seed":15738016505585340234,"scale":1.10}, '
        b'"payload_error": null, "request_id": "%(id)s", "status": "OK"}' % {b"id": REQUEST_ID.encode()}
    )


def test_the_body_of_a_job_that_failed() -> None:
    assert json.loads(webhook.body(REQUEST_ID, 422, b'{"detail":[]}')) == {
        "error": "Invalid status code: 422",
        "gateway_request_id": REQUEST_ID,
        "payload": {"detail": []},
        "payload_error": None,
        "request_id": REQUEST_ID,
        "status": "ERROR",
    }


def test_the_body_of_a_job_whose_result_is_not_json() -> None:
    body = json.loads(webhook.body(REQUEST_ID, 200, None))
    assert (body["status"], body["payload"], body["error"]) == ("OK", None, None)
    assert body["payload_error"].startswith("Response payload is not JSON serializable. Either return a JSON ser")


@pytest.mark.parametrize(
    ("content_type", "body", "payload"),
    [
        ("application/json", b'{"a": 1.10}', b'{"a": 1.10}'),
        ("Application/Problem+JSON; charset=utf-8", b"[]", b"[]"),
        ("application/json", b"\xef\xbb\xbf{}", b"{}"),
        ("application/json", b"{", None),
        ("application/json", b"", None),
        ("application/json", b"\xff", None),
        ("text/plain", b"1", None),
        ("image/png", b"\x89PNG", None),
    ],
)
def test_payloads(content_type: str, body: bytes, payload: bytes | None) -> None:
    assert webhook.payload(content_type, body) == payload


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, st.integers(200, 599), st.sampled_from([None, 2]))
def test_any_json_is_the_payload_byte_by_byte(value: object, status: int, indent: int | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    body = webhook.body(REQUEST_ID, status, webhook.payload("application/json", text))
    assert text in body
    keys = ["error", "gateway_request_id", "payload", "payload_error", "request_id", "status"]
    assert list(json.loads(body)) == keys
    assert json.loads(body)["payload"] == value


# signatures


def test_what_is_signed() -> None:
    body = b'{"status": "OK"}'
    digest = hashlib.sha256(body).hexdigest()
    message = webhook.signed_message(REQUEST_ID, 1752619398, body)
    assert message.decode() == f"{REQUEST_ID}\n{webhook.USER_ID}\n1752619398\n{digest}"


def test_the_headers() -> None:
    fields = dict(webhook.headers(webhook.target("http://ex.com:81/"), REQUEST_ID, 1752619398, b"\x01\xab"))
    assert fields == {
        b"Host": b"ex.com:81",
        b"User-Agent": b"falmock",
        b"Accept": b"*/*",
        b"Content-Type": b"application/json",
        b"X-Fal-Webhook-Request-Id": REQUEST_ID.encode(),
        b"X-Fal-Webhook-User-Id": webhook.USER_ID.encode(),
        b"X-Fal-Webhook-Timestamp": b"1752619398",
        b"X-Fal-Webhook-Signature": b"01ab",
    }


def test_a_name_and_a_password_in_the_url_are_sent_as_clients_send_them() -> None:
    fields = dict(webhook.headers(webhook.target("http://me:p%40@ex.com/"), REQUEST_ID, 1, b""))
    assert base64.b64decode(fields[b"Authorization"].removeprefix(b"Basic ")) == b"me:p@"
    assert fields[b"Host"] == b"ex.com"


def test_the_key_set() -> None:
    # The key and the thumbprint of RFC 8037, appendix A.
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert webhook.key_set(public) == {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "use": "sig",
                "alg": "EdDSA",
            }
        ]
    }


# tries


def test_the_documented_policy() -> None:
    assert [DOCUMENTED.timeout_of(attempt) for attempt in (1, 2, 31)] == [15, 120, 120]
    assert [DOCUMENTED.wait_after(attempt) for attempt in range(1, 7)] == [15, 30, 60, 120, 240, 300]
    hours = sum(DOCUMENTED.wait_after(attempt) for attempt in range(1, DOCUMENTED.tries)) / 3600
    assert 2 < hours < 2.5


def test_waits_never_shrink() -> None:
    waits = [DOCUMENTED.wait_after(attempt) for attempt in range(1, 2000)]
    assert all(before <= after for before, after in pairwise(waits))


@pytest.mark.parametrize(
    ("attempt", "status", "outcome"),
    [
        (1, 200, AttemptOutcome.DELIVERED),
        (31, 204, AttemptOutcome.DELIVERED),
        (1, 302, AttemptOutcome.GIVEN_UP),
        (1, 404, AttemptOutcome.AGAIN),
        (1, 500, AttemptOutcome.AGAIN),
        (30, None, AttemptOutcome.AGAIN),
        (31, None, AttemptOutcome.GIVEN_UP),
        (31, 500, AttemptOutcome.GIVEN_UP),
    ],
)
def test_what_comes_of_an_attempt(attempt: int, status: int | None, outcome: AttemptOutcome) -> None:
    assert webhook.judge(DOCUMENTED, attempt, status) is outcome
