"""Entries of the journal as a store has them: they say the same, and no secret is in them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.journal import JournalEntry
from falmock.engine.missed_calls import told
from falmock.engine.shared.entries import entry_bytes
from falmock.engine.shared.entries import entry_of
from falmock.engine.shared.entries import hidden_body
from falmock.engine.shared.entries import hidden_query
from falmock.engine.shared.errors import UnknownForm
from falmock.fixtures.matching.difference import Difference
from falmock.fixtures.matching.miss import Miss
from falmock.fixtures.matching.miss import Near
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import endpoint
from falmock.wire import query
from unit.engine.calls import index_of

SECRET = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
LEARNED = "a-password-of-somebody"
ENDPOINT = endpoint.parse("fal-ai/flux/dev")
ID = "0190a000-0000-7000-8000-000000000000"
SOME_CALLS: list[calls.Call | None] = [
    None,
    calls.Run(ENDPOINT),
    calls.Submit(ENDPOINT, "", ""),
    calls.Stream(ENDPOINT),
    calls.Socket(ENDPOINT),
    calls.RunSocket(ENDPOINT),
    *(kind(ID, logs=False) for kind in (calls.Status, calls.StatusStream)),
    calls.Result(ID),
    calls.Cancel(ID),
    calls.FileGet(),
]
words = st.text(st.characters(codec="utf-8", categories=["Ll", "Lo", "Zs"]), max_size=12)
names = st.sampled_from(["prompt", "size", "n", "tags", "größe"])
plain = st.builds(
    JournalEntry,
    at=st.floats(0, 1e10),
    method=st.sampled_from(["GET", "POST"]),
    host=st.sampled_from(["fal.run", "queue.fal.run"]),
    path=st.sampled_from(["/fal-ai/flux/dev", f"/fal-ai/flux/requests/{ID}/status"]),
    status=st.none() | st.integers(100, 599),
    fixture=st.none() | st.just("test.json#0"),
    why=words,
    miss=st.none(),
    fault=st.none() | words,
    query=st.just(""),
    body=st.just(b"")
    | st.dictionaries(names, words | st.integers() | st.none(), max_size=3).map(
        lambda value: json.dumps(value).encode()
    ),
    left_out=st.integers(0, 10**9),
    call=st.sampled_from(SOME_CALLS),
    answered=st.just(((b"x-fal-request-id", ID.encode()),)),
    job=st.just("") | st.just(ID),
    delay=st.floats(0, 100),
    kind=st.sampled_from(["", "webhook", "images"]),
    door=st.sampled_from(["", "openai"]),
    warning=words,
    cut=st.booleans(),
    about=st.none() | st.just("fal-ai/flux/dev"),
)


def written(entry: JournalEntry, miss: Miss | None = None, redactor: Redactor | None = None) -> bytes:
    return entry_bytes(entry, miss, redactor or Redactor(), None, "a.1")


@given(plain)
def test_it_says_the_same(entry: JournalEntry) -> None:
    assert entry_of(written(entry)) == (entry, None)


@pytest.mark.parametrize("kind", [*calls.KINDS, calls.Unrouted])
def test_every_type_of_call_is_the_same_again(kind: type[calls.Call]) -> None:
    given: dict[str, Any] = {
        "endpoint": ENDPOINT,
        "request_id": ID,
        "number": 1,
        "logs": True,
        "newer": True,
        "status": 404,
    }
    call: Any = kind(*(given.get(name, "x") for name in kind._fields))
    entry = JournalEntry(1.0, "GET", "fal.run", "/", 200, None, "", None, call=call)
    found, _ = entry_of(written(entry))
    assert type(found.call) is kind
    assert calls.endpoint_of(found.call, "/a") == calls.endpoint_of(call, "/a")
    assert getattr(found.call, "request_id", "") == getattr(call, "request_id", "")


def test_no_secret_is_in_the_store() -> None:
    redactor = Redactor()
    redactor.learn_value(LEARNED)
    near = Near(
        index_of({"match": {"model": "a/b"}, "response": {"json": 1}}).fixtures[0],
        (Difference("$.a", SECRET, LEARNED),),
        "a/b",
    )
    miss = Miss(f"POST {SECRET}", f"asked with {SECRET} and {LEARNED}", (near,))
    body = {
        "api_key": "named-only",
        "prompt": f"with {SECRET}",
        "list": [LEARNED],
        f"{SECRET}": 1,
        "nested": json.dumps({"api_key": "wrapped-one"}),
    }
    entry = JournalEntry(
        1.0, "POST", "fal.run", f"/a/b/{SECRET}", 404, f"{LEARNED}.json#0", f"why {SECRET}", miss.text, f"fault {SECRET}",
        f"fal_webhook=https://x.example/?token={SECRET}&api_key=named-too&prompt={LEARNED}", json.dumps(body).encode(), 0,
        calls.Submit(endpoint.parse(f"a/b/{LEARNED}"), SECRET, f"https://x.example/?token={SECRET}"),
        ((b"set-cookie", f"session={SECRET}".encode()), (b"content-type", f"text/{SECRET}".encode())), LEARNED, warning=f"of {SECRET}",
    )  # fmt: skip
    data = written(entry, miss, redactor)
    for secret in (SECRET, LEARNED, "named-only", "named-too", "wrapped-one"):
        assert secret.encode() not in data, secret
    found, missed = entry_of(data)
    assert missed == told(miss, redactor)
    assert json.loads(found.body)["list"] == ["[hidden]"]
    assert found.call is None or type(found.call) is calls.Submit


@pytest.mark.parametrize(
    "body",
    [
        b'{"api_key": "k-1234567890"',
        b'{"a": 1, "api_key": "k-1234567890", "a": 2}',
        b'\xff "api_key": "k-1234567890"',
        b'{"x": "... (9 bytes)", "api_key":"k-1234567890"} rest',
    ],
)
def test_a_body_that_is_no_json(body: bytes) -> None:
    assert b"k-1234567890" not in hidden_body(body, Redactor())


@given(st.dictionaries(names, words | st.integers() | st.lists(words), max_size=4))
def test_a_body_without_a_secret_is_the_same_object(value: Any) -> None:
    body = json.dumps(value).encode()
    assert hidden_body(body, Redactor()) is body


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "$b", "%c", "prompt", "logs", "fal_webhook"]), words | st.just("%00&=+ ü\udcff")
        ),
        max_size=4,
    )
)
def test_a_query_has_the_same_parameters(pairs: list[tuple[str, str]]) -> None:
    text = urlencode(pairs, errors="surrogateescape")
    assert query.parameters(hidden_query(text, Redactor())) == query.parameters(text)


def test_lone_surrogates() -> None:
    entry = JournalEntry(1.0, "POST", "fal.run", "/a\ud800", 404, None, "why", "text \ud800")
    found, missed = entry_of(written(entry, Miss("k\ud800", "text \ud800", ())))
    assert (found.path, found.miss, missed and missed.text) == ("/a\\ud800", "text \\ud800", "text \\ud800")


def test_a_newer_form() -> None:
    with pytest.raises(UnknownForm, match="journal entry in form 9"):
        entry_of(b"\x09rest")
