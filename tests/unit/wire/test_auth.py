from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import auth
from falmock.wire.auth import AuthRule

REQUIRED = AuthRule(required=True)
LISTED = AuthRule(required=True, keys=("kid:ksecret", "opaque"))
MISSING = "nobody is there"
UNKNOWN = "No user found for Key ID and Secret"
MALFORMED = "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."


@pytest.mark.parametrize(
    ("rule", "authorization", "said"),
    [
        (auth.ANYONE, None, None),
        (auth.ANYONE, "nonsense", None),
        (REQUIRED, None, MISSING),
        (REQUIRED, "", MISSING),
        (REQUIRED, " ", MISSING),
        (REQUIRED, "Key kid:ksecret", None),
        (REQUIRED, "key kid:ksecret", None),
        (REQUIRED, "Bearer some.jwt.token", None),
        (REQUIRED, "Key", MALFORMED),
        (REQUIRED, "Key ", MALFORMED),
        (REQUIRED, "Key opaque", MALFORMED),
        (REQUIRED, "Key :ksecret", MALFORMED),
        (REQUIRED, "Key kid:", MALFORMED),
        (REQUIRED, "Basic a2lkOmtzZWNyZXQ=", MALFORMED),
        (REQUIRED, "kid:ksecret", MALFORMED),
        (LISTED, None, MISSING),
        (LISTED, "Key kid:ksecret", None),
        (LISTED, "Bearer kid:ksecret", None),
        (LISTED, "Key opaque", None),
        (LISTED, "Key  kid:ksecret ", None),
        (LISTED, "Key kid:other", UNKNOWN),
        (LISTED, "Key kid:ksecret2", UNKNOWN),
        (LISTED, "Key é", UNKNOWN),
        (LISTED, "Basic kid:ksecret", MALFORMED),
    ],
)
def test_who_may_call(rule: AuthRule, authorization: str | None, said: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    assert auth.refusal(rule, headers, MISSING) == said


@given(st.text())
def test_no_text_but_a_listed_key_is_let_in(text: str) -> None:
    said = auth.refusal(LISTED, {"authorization": text}, MISSING)
    accepted = text.partition(" ")[2].strip() in LISTED.keys and text.partition(" ")[0].lower() in ("key", "bearer")
    assert (said is None) is accepted
