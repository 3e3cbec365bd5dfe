from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import auth
from falmock.wire.auth import AuthRule

REQUIRED = AuthRule(required=True)
LISTED = AuthRule(required=True, keys=("kid:ksecret", "opaque"))
NOW = 1_800_000_000
MISSING = "nobody is there"
UNKNOWN = "invalid key credentials"
MALFORMED = "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."
NO_JWT = "bearer: unable to decode issuer"
EXPIRED = "bearer: token has expired"
PAIR = "01234567-89ab-cdef-0123-456789abcdef:0123456789abcdef0123456789abcdef"


def jwt(payload: Any) -> str:
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{text}.c2lnbmVk"


LOGIN = jwt({"iss": "https://auth.fal.ai/", "exp": NOW + 60})
LISTED_LOGIN = AuthRule(required=True, keys=("kid:ksecret", LOGIN))


@pytest.mark.parametrize(
    ("rule", "authorization", "said"),
    [
        (auth.ANYONE, None, None),
        (auth.ANYONE, "nonsense", None),
        (REQUIRED, None, MISSING),
        (REQUIRED, "", MISSING),
        (REQUIRED, " ", MISSING),
        # what all clients send
        (REQUIRED, "Key kid:ksecret", None),
        (REQUIRED, f"Key {PAIR}", None),
        (REQUIRED, f"Bearer {LOGIN}", None),
        (REQUIRED, f"Bearer {jwt({'exp': NOW + 60})}", None),
        # no pair
        (REQUIRED, "Key", MALFORMED),
        (REQUIRED, "Key ", MALFORMED),
        (REQUIRED, "Key opaque", MALFORMED),
        (REQUIRED, f"Key {LOGIN}", MALFORMED),
        (REQUIRED, "Key :ksecret", MALFORMED),
        (REQUIRED, "Key kid:", MALFORMED),
        (REQUIRED, "Key :", MALFORMED),
        (REQUIRED, f"Key kid:{PAIR}", MALFORMED),
        # a pair that no key can be
        (REQUIRED, f"Key Key {PAIR}", UNKNOWN),
        (REQUIRED, f'Key "{PAIR}"', UNKNOWN),
        (REQUIRED, f"Key '{PAIR}'", UNKNOWN),
        (REQUIRED, f"Key  {PAIR}", UNKNOWN),
        (REQUIRED, "Key kid: ksecret", UNKNOWN),
        (REQUIRED, "Key kid:\tksecret", UNKNOWN),
        (REQUIRED, "Key <key_id>:<key_secret>", UNKNOWN),
        (REQUIRED, "Key ${FAL_ID}:${FAL_SECRET}", UNKNOWN),
        (REQUIRED, "Key k\u00e9y:ksecret", UNKNOWN),
        # another scheme
        (REQUIRED, f"key {PAIR}", MALFORMED),
        (REQUIRED, f"KEY {PAIR}", MALFORMED),
        (REQUIRED, f"bearer {LOGIN}", MALFORMED),
        (REQUIRED, f"Token {PAIR}", MALFORMED),
        (REQUIRED, "Basic a2lkOmtzZWNyZXQ=", MALFORMED),
        (REQUIRED, PAIR, MALFORMED),
        (REQUIRED, f"Key:{PAIR}", MALFORMED),
        # a bearer that is no JWT
        (REQUIRED, f"Bearer {PAIR}", NO_JWT),
        (REQUIRED, f"Bearer Key {PAIR}", NO_JWT),
        (REQUIRED, "Bearer hf_abcdefghijklmnop", NO_JWT),
        (REQUIRED, "Bearer sk-proj-abcdef", NO_JWT),
        (REQUIRED, "Bearer some.jwt.token", NO_JWT),
        (REQUIRED, f"Bearer {jwt([])}", NO_JWT),
        (REQUIRED, "Bearer", NO_JWT),
        (REQUIRED, f"Bearer {jwt({'exp': NOW})}", EXPIRED),
        # only these keys
        (LISTED, None, MISSING),
        (LISTED, "Key kid:ksecret", None),
        (LISTED, "Key opaque", None),
        (LISTED, "Bearer kid:ksecret", NO_JWT),
        (LISTED, "Bearer opaque", NO_JWT),
        (LISTED, "Key  kid:ksecret ", UNKNOWN),
        (LISTED, 'Key "kid:ksecret"', UNKNOWN),
        (LISTED, "Key kid:other", UNKNOWN),
        (LISTED, "Key kid:ksecret2", UNKNOWN),
        (LISTED, "Key opaque2", MALFORMED),
        (LISTED, "Basic kid:ksecret", MALFORMED),
        (LISTED, f"Bearer {LOGIN}", UNKNOWN),
        (LISTED_LOGIN, f"Bearer {LOGIN}", None),
    ],
)
def test_who_may_call(rule: AuthRule, authorization: str | None, said: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    assert auth.refusal(rule, headers, MISSING, NOW) == said


@given(st.text())
def test_no_text_but_a_listed_key_is_let_in(text: str) -> None:
    assert auth.refusal(LISTED, {"authorization": text}, MISSING) is not None or text.strip() in (
        "Key kid:ksecret",
        "Key opaque",
    )


@given(st.from_regex(r"[!-~]+:[!-~]+", fullmatch=True), st.sampled_from(["", '"', "'", " ", "\u201c", "\n"]))
def test_a_key_is_a_pair_of_credentials_and_nothing_around_it(key: str, mark: str) -> None:
    plain = auth.refusal(REQUIRED, {"authorization": f"Key {key}"}, MISSING)
    assert plain in (None, MALFORMED, UNKNOWN)
    if mark.strip():
        assert auth.refusal(REQUIRED, {"authorization": f"Key {mark}{key}{mark}"}, MISSING) is not None
    assert auth.refusal(REQUIRED, {"authorization": f"Bearer {mark}{key}{mark}"}, MISSING) == NO_JWT


@given(st.text())
def test_the_payload_of_any_text(text: str) -> None:
    assert isinstance(auth.jwt_payload(text), dict | None)


@pytest.mark.parametrize(
    ("payload", "is_over"),
    [
        ({}, False),
        ({"exp": NOW + 1}, False),
        ({"exp": NOW}, True),
        ({"exp": NOW - 0.5}, True),
        ({"exp": "soon"}, False),
    ],
)
def test_the_end_of_a_token(payload: dict[str, Any], *, is_over: bool) -> None:
    assert auth.has_expired(payload, NOW) is is_over


@pytest.mark.parametrize(
    ("authorization", "token"), [("Bearer x", "x"), ("Key x", ""), ("", ""), ("bearer x", ""), ("Bearer", "")]
)
def test_the_bearer_of_a_request(authorization: str, token: str) -> None:
    assert auth.bearer({"authorization": authorization}) == token
    assert auth.bearer({}) == ""
