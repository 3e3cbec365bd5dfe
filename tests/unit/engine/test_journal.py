"""What the journal keeps, and what it does not."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import journal
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.journal import Journal
from falmock.engine.journal import JournalEntry
from falmock.engine.journal import kept
from falmock.engine.replies import json_reply
from falmock.fixtures.matching.miss import Miss
from falmock.redaction.redactor import Redactor
from falmock.wire.calls import Submit
from falmock.wire.endpoint import parse
from falmock.wire.message import Request

REPLY = json_reply(200, {}, "why")
CALL = Submit(parse("t/e"), "", "https://a.example/hook?token=secret")


def request(body: bytes = b"{}", content_type: str = "application/json") -> Request:
    return Request("POST", "fal.run", "/t/e", "", {"content-type": content_type}, body)


def test_only_the_last_are_kept_and_all_are_counted() -> None:
    noted = Journal(Redactor(), limit=3)
    for number in range(5):
        noted.note(request(), CALL, REPLY, float(number))
    assert ([entry.at for entry in noted], len(noted), noted.total) == ([2.0, 3.0, 4.0], 3, 5)
    noted.clear()
    assert (list(noted), noted.total, noted.misses, noted.used) == ([], 0, 0, set())


def test_the_status_is_the_one_that_the_client_gets() -> None:
    noted = Journal(Redactor())
    noted.note(request(), CALL, REPLY, 1.0)
    noted.note(request(), CALL, REPLY._replace(miss=Miss("key", "text", ())), 2.0, status=503)
    assert ([entry.status for entry in noted], noted.total, noted.misses) == ([200, 503], 2, 1)


def test_warnings_are_kept_and_shown_without_secrets() -> None:
    redactor = Redactor()
    journal = Journal(redactor)
    journal.note(request(), None, Reply(200, (), b"", "", warning="a-long-secret-of-ours is odd"), 1.0)
    journal.note(request(), None, Reply(200, (), b"", ""), 2.0)
    redactor.learn_value("a-long-secret-of-ours")
    assert [entry.warning for entry in journal] == ["a-long-secret-of-ours is odd", ""]
    assert journal.entries[0].warning.endswith(" is odd")
    assert "a-long-secret-of-ours" not in journal.entries[0].warning


def test_no_field_shows_a_secret() -> None:
    redactor = Redactor()
    secret = "a-long-secret-of-ours"
    redactor.learn_value(secret)
    noted = Journal(redactor)
    noted.add(
        JournalEntry(1.0, secret, secret, secret, 200, secret, secret, secret, secret, job=secret, warning=secret)
    )
    noted.add(JournalEntry(2.0, "GET", "fal.run", "/a/b", 200, None, "", None))
    assert secret not in str(noted.entries)
    assert noted.entries[1] == JournalEntry(2.0, "GET", "fal.run", "/a/b", 200, None, "", None)


def test_bodies_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "BODIES", 100)
    noted = Journal(Redactor())
    for _ in range(10):
        noted.note(request(b'"%s"' % (b"x" * 38)), CALL, REPLY, 0.0)
    assert (len(noted), noted.total) == (2, 10)


def test_what_is_no_json_is_not_kept() -> None:
    noted = Journal(Redactor())
    noted.note(request(b"\x89PNG", "image/png"), CALL, REPLY, 0.0)
    noted.note(request(b"{}", "Application/JSON; charset=utf-8"), CALL, Forward("record"), 0.0)
    assert [(entry.body, entry.status) for entry in noted] == [(b"", 200), (b"{}", None)]


def test_entries_for_people_have_no_input() -> None:
    noted = Journal(Redactor())
    noted.note(request(b'{"api_key": "secret"}')._replace(query="token=secret"), CALL, REPLY, 0.0)
    assert [entry.call for entry in noted] == [CALL]
    (entry,) = noted.entries
    assert (entry.body, entry.query, entry.call, entry.answered) == (b"", "", None, ())
    assert "secret" not in repr(entry)


JSON = st.recursive(
    st.integers()
    | st.text(alphabet='a\\"\n, :é[]{}', max_size=12)
    | st.sampled_from(["x" * 3000, 'q"' * 2000, "\\" * 3000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


def shortened(value: object) -> object:
    """A value with its long texts of plain characters cut as they are to be."""
    if isinstance(value, str) and len(value) > journal.LONG and not re.search(r'["\\]', value):
        return f"{value[: journal.LONG]}... ({len(value)} bytes)"
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    return value


@given(JSON)
def test_a_long_body_stays_the_json_that_it_was(value: object) -> None:
    body = json.dumps([value, "y" * journal.MAX_BODY], ensure_ascii=False).encode()
    text, left_out = kept(body)
    if left_out:
        assert (text, left_out) == (b"", len(body))
    else:
        assert json.loads(text) == shortened([value, "y" * journal.MAX_BODY])


def test_of_very_many_texts_only_the_first_are_looked_at() -> None:
    few, many = (json.dumps(["x"] * count + ["y" * 100_000]).encode() for count in (journal.MANY - 1, journal.MANY))
    assert kept(few)[1] == 0
    assert kept(many) == (b"", len(many))


@given(st.binary(max_size=40))
def test_what_only_says_that_it_is_json_does_no_harm(start: bytes) -> None:
    body = start + b'"' + b"y" * journal.MAX_BODY
    text, left_out = kept(body)
    assert len(text) <= journal.MAX_BODY
    assert left_out in (0, len(body))


def test_a_text_is_not_cut_within_a_character() -> None:
    text, _ = kept(json.dumps({"a": "xx" + "€" * 30_000}, ensure_ascii=False).encode())
    assert json.loads(text)["a"].startswith("xx€€")


def test_calls_by_their_numbers() -> None:
    noted = Journal(Redactor(), limit=3)
    assert (noted.first, noted.get(1), noted.since(0, 9)) == (1, None, [])
    for number in range(1, 6):
        noted.note(request(), CALL, REPLY, float(number))
    assert noted.first == 3
    assert [noted.get(number) is not None for number in (0, 2, 3, 5, 6)] == [False, False, True, True, False]
    assert [(number, entry.at) for number, entry in noted.since(0, 2)] == [(3, 3.0), (4, 4.0)]
    assert [number for number, _ in noted.since(4, 9)] == [5]
    assert noted.since(5, 9) == []


def test_a_journal_that_begins_again_is_another_one() -> None:
    noted = Journal(Redactor())
    other = Journal(Redactor(), totals=noted.totals)
    names = {noted.begun, other.begun}
    noted.clear()
    assert len({*names, noted.begun}) == 3
