"""Redaction: never fails, hides what is known, hides nothing twice, and leaves what holds no secret as it is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from falmock.redaction.redactor import Redactor
from fuzz.oracles import check_hidden
from fuzz.strategies import json_texts
from fuzz.strategies import texts
from fuzz.strategies.texts import SECRETS

_NESTED = st.recursive(
    texts.PLANTED | json_texts.SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts.KEYS | texts.PLANTED, inner, max_size=3),
    max_leaves=6,
)
CASES = st.fixed_dictionaries(
    {
        "value": _NESTED,
        "long": texts.PIECES,
        "headers": st.dictionaries(st.sampled_from(["cookie", "forwarded", "x-api-key", "referer"]), texts.TEXTS),
    }
)


def check(case: dict[str, Any]) -> None:
    redactor = Redactor()
    for secret in SECRETS:
        redactor.learn_value(secret)
    redactor.learn(case["headers"], "")
    value = case["value"]
    for hide in (redactor.value, redactor.expected, redactor.proposed):
        hidden = hide(value)
        check_hidden(json.dumps(hidden, ensure_ascii=False))
        assert hide(hidden) == hidden
    once = redactor.value(value)
    assert redactor.value(once) is once
    written = json.dumps(value, ensure_ascii=False)
    text = redactor.text(written)
    check_hidden(text)
    assert redactor.text(text) == text
    assert list(redactor.secrets_in(redactor.value(written))) == []
    if once is value:
        assert redactor.expected(value) is value
    long = texts.joined(case["long"])
    for hide in (redactor.text, redactor.value):
        assert hide(hide(long)) == hide(long)
