from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.write_ahead import records
from falmock.wire.formats import jsontext
from falmock.wire.message import Content

CONTENT = Content("0" * 64, 3, file="/somewhere/_assets/.falmock-a-b.tmp")
HERE = CONTENT._replace(file="here/.falmock-a-b.tmp")
ENTRY = {"match": {"model": "a/b"}, "response": {"json": [1, jsontext.Spelled("1e5"), "größe\n\ud800"]}}
SAVE = Save(
    ENTRY,
    "a-cat",
    "a call to a/b",
    1.5,
    {"https://a/b": "https://a/b"},
    ((CONTENT, "image/png"),),
    is_cut=True,
    links=frozenset({"https://c/d"}),
)
LINK = Link("https://a/b", CONTENT, "image/png")


def read_again(record: records.Record) -> records.Record:
    (found,) = records.read(records.line_of(record)).records
    return found


def test_an_outcome_is_read_as_it_was_written_but_for_where_its_contents_are() -> None:
    assert records.to_outcome(read_again(records.of_outcome(LINK, str)), "here") == LINK._replace(content=HERE)
    again = records.to_outcome(read_again(records.of_outcome(SAVE, str)), "here")
    assert again == SAVE._replace(contents=((HERE, "image/png"),))
    assert "1e5" in jsontext.dump_exact(again.entry, indent=None)
    bare = Save(ENTRY, "a-cat", "a call to a/b", 1.5, {})
    assert records.to_outcome(records.of_outcome(bare, str), "here") == bare


def test_nothing_but_the_entry_is_written_as_it_is() -> None:
    signed = LINK._replace(url="https://storage.googleapis.com/me/out.png?X-Goog-Signature=0123456789abcdef")
    assert b"0123456789abcdef" not in records.line_of(records.of_outcome(signed, str))
    urls = {"https://a/secret-1": "https://a/secret-1?token=secret-2"}
    save = SAVE._replace(urls=urls, links=frozenset(urls))
    for outcome in (save, LINK._replace(url="https://a/secret-1")):
        line = records.line_of(records.of_outcome(outcome, lambda text: text.replace("secret-1", "[hidden]")))
        assert b"secret" not in line
        assert b"[hidden]" in line


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\etc\\passwd", "/etc/passwd"])
def test_contents_are_in_one_folder_whatever_a_log_says(name: str) -> None:
    record = records.of_outcome(LINK, str)
    record["contents"][0]["file"] = name
    outcome = records.to_outcome(record, "here")
    assert isinstance(outcome, Link)
    assert outcome.content.file == "here/passwd"


RECORDS = [{"number": number, "name": "x" * number} for number in range(4)]
WHOLE = b"".join(map(records.line_of, RECORDS))


@given(st.integers(0, len(WHOLE)))
def test_a_log_that_ends_anywhere_has_all_records_before_that(end: int) -> None:
    found = records.read(WHOLE[:end])
    assert found.damaged == 0
    assert found.records == RECORDS[: WHOLE[:end].count(b"\n")]


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3))
def test_what_is_damaged_is_counted_and_the_others_are_read(place: int, by: bytes) -> None:
    found = records.read(WHOLE[:place] + by + WHOLE[place + len(by) :])
    assert all(record in RECORDS for record in found.records)
    missing = len(RECORDS) - len(found.records)
    assert missing <= 2 + found.damaged
    if place + len(by) < WHOLE.rindex(b"\n", 0, -1):
        assert bool(found.damaged) is bool(missing)


def test_a_last_record_that_a_loss_of_power_damaged_does_not_count() -> None:
    broken: Any = WHOLE[:-3] + b"??\n"
    assert records.read(broken) == (RECORDS[:-1], 0)
