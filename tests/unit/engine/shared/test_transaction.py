"""A transaction: what was read is expected, what was written is committed, and nothing happens before."""

from __future__ import annotations

import pytest

from falmock.engine.shared.current import Current
from falmock.engine.shared.needs import Bounds
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.transaction import Transaction
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.wire.message import Content


def number(data: bytes) -> int:
    return int(data)


def test_what_is_not_loaded_is_asked_for() -> None:
    transaction = Transaction(1.0)
    with pytest.raises(NotLoaded) as missing:
        transaction.value("a", number)
    assert missing.value.needed == ("a",)
    with pytest.raises(NotLoaded) as missing:
        transaction.need(Bounds("log"))
    assert missing.value.needed == (Bounds("log"),)
    transaction.loaded("a", b"5")
    transaction.loaded(Bounds("log"), (1, 0))
    assert transaction.value("a", number) == 5
    assert transaction.need(Bounds("log")) == (1, 0)
    assert transaction.has("a")
    assert not transaction.has("a", "b")


def test_what_was_read_is_expected() -> None:
    transaction = Transaction(1.0, {"s:setup": b"old"})
    transaction.loaded("a", b"5")
    transaction.loaded("unread", b"6")
    transaction.get("a")
    transaction.get("s:setup")
    transaction.put("a", b"7", 60.0)
    transaction.create("new", b"8", 60.0)
    transaction.score("set", b"item", 3.0)
    transaction.limit("set", 2)
    assert transaction.get("a") == b"7"
    commit = transaction.commit(99.0)
    assert commit.expected == {"a": b"5", "s:setup": b"old"}
    assert commit.puts == {"a": Put(b"7", 60.0), "new": Put(b"8", 60.0)}
    assert commit.scores == (Score("set", b"item", 3.0),)
    assert (commit.limits, commit.now, commit.score_ttl) == ({"set": 2}, 1.0, 99.0)


def test_a_record_is_written_at_the_end() -> None:
    transaction = Transaction(1.0)
    transaction.loaded("a", b"1")
    values = [transaction.value("a", number), 0]

    def write() -> None:
        transaction.put("a", str(values[1]).encode(), 60.0)

    transaction.at_the_end("a", write)
    transaction.at_the_end("b", lambda: transaction.create("b", b"no", 60.0))
    transaction.forget_end("b")
    values[1] = 9
    assert not transaction.writes
    transaction.end()
    assert transaction.commit(1.0).puts == {"a": Put(b"9", 60.0)}


def test_the_same_object_until_the_decision() -> None:
    transaction = Transaction(1.0)
    transaction.loaded("a", b"1000")
    assert transaction.value("a", lambda data: [data]) is transaction.value("a", lambda data: [data])
    kept = object()
    transaction.keep("b", kept)
    assert transaction.value("b", number) is kept  # type: ignore[comparison-overlap]


def test_deciding_again_forgets_what_was_written() -> None:
    current, transaction = Current(), Transaction(1.0)
    transaction.loaded("a", b"1")
    happened: list[str] = []

    def decide(now: float) -> float:
        assert transaction.get("a") == b"1"
        transaction.put("a", b"2", 60.0)
        transaction.score("set", b"x", 1.0)
        transaction.later(lambda: happened.append("once"))
        transaction.notes["x"] = 1
        return now

    assert [current.decide(transaction, decide) for _ in range(2)] == [1.0, 1.0]
    assert not happened
    transaction.after()
    assert happened == ["once"]
    transaction.begin()
    assert not transaction.writes
    assert transaction.notes == {}


def test_what_was_believed_is_to_be_seen() -> None:
    believed = {"s:setup": b"old", "t:setup": b"old"}
    transaction = Transaction(1.0, believed)
    transaction.get("s:setup")
    assert transaction.unseen == ("s:setup",)
    transaction.loaded("s:setup", b"old")
    assert transaction.unseen == ()
    assert transaction.is_trusting
    transaction.loaded("s:setup", b"new")
    assert not transaction.is_trusting
    assert list(transaction.to_believe()) == [("s:setup", b"new")]
    transaction.put("s:setup", b"newest", 60.0)
    assert list(transaction.to_believe()) == [("s:setup", b"newest")]
    transaction.forget()
    with pytest.raises(NotLoaded):
        Transaction(1.0).get("a")


def test_a_full_set_is_remembered() -> None:
    transaction = Transaction(1.0)
    transaction.limit("set", 1)
    assert not transaction.is_full("set", 1)
    transaction.full()
    transaction.begin()
    assert transaction.is_full("set", 1)


def test_records_are_loaded_together() -> None:
    transaction = Transaction(1.0)
    transaction.loaded("a", b"5")
    with pytest.raises(NotLoaded) as missing:
        transaction.load_together(["a", "b", "c"])
    assert missing.value.needed == ("b", "c")
    transaction.load([("b", b"6"), ("c", None)])
    transaction.load_together(["a", "b", "c"])


def test_what_is_taken_to_be_free_is_expected_to_be() -> None:
    transaction = Transaction(1.0)
    assert transaction.is_free("new")
    assert transaction.commit(1.0).expected == {"new": None}
    transaction.forget()
    transaction.loaded("new", b"another's")
    assert not transaction.is_free("new")


def test_what_is_hoped_for_need_not_be_loaded_until_it_failed() -> None:
    transaction = Transaction(1.0)
    transaction.begin()
    transaction.hope("job", b"1")
    assert transaction.value("job", number) == 1
    transaction.put("job", b"2", 60.0)
    assert transaction.commit(1.0).expected == {"job": b"1"}
    assert transaction.is_hoping
    transaction.forget()
    assert (transaction.is_hoping, transaction.conflicts) == (False, 0), "that others were first is no contest"
    transaction.begin()
    with pytest.raises(NotLoaded):
        transaction.get("job")
    transaction.loaded("job", b"3")
    assert transaction.commit(1.0).expected == {"job": b"3"}
    transaction.forget()
    assert transaction.conflicts == 1


@pytest.mark.parametrize(("found", "read"), [(b"old", ("s:setup",)), (b"new", ())])
def test_it_goes_on_where_nothing_has_changed(found: bytes, read: tuple[str, ...]) -> None:
    transaction = Transaction(1.0, {"s:setup": b"old"})
    transaction.begin()
    assert transaction.get("s:setup") == b"old"
    transaction.load([("s:setup", found), ("job", b"1")])
    transaction.go_on()
    transaction.begin()
    assert transaction.keys_read == read
    transaction.begin()
    assert transaction.keys_read == (), "once"


def test_a_content_is_written_once_and_one_with_bytes_is_preferred() -> None:
    transaction = Transaction(1.0)
    kept, first, second = Content("ab", 3), Content("ab", 3, data=b"one"), Content("ab", 3, data=b"two")
    for content in (kept, first, second, kept):
        transaction.write_content(content, 60.0)
    assert transaction.contents == {"ab": (first, 60.0)}


def test_a_change_of_what_is_set_up_changes_the_places() -> None:
    transaction = Transaction(1.0)
    for key, left in (("s:job", {"s": 1}), ("s:setup", {})):
        transaction.places["s"] = 1
        transaction.loaded(key, None)
        transaction.put(key, b"2", 60.0)
        assert transaction.places == left, key


def begun(about: str = "r:") -> Transaction:
    transaction = Transaction(1.0, {"s:setup": b"1"})
    assert transaction.value("s:setup", number) == 1
    transaction.places["from"] = "setup"
    transaction.note_start(about)
    return transaction


def test_what_was_read_at_the_start_counts_as_read() -> None:
    start = begun().noted()
    assert start is not None
    assert (start.records, start.about) == ({"s:setup": b"1"}, "r:")
    transaction = Transaction(2.0, {}, start)
    assert transaction.keys_read == transaction.unseen == ("s:setup",)
    assert not transaction.is_seen
    assert transaction.places == {"from": "setup"}
    assert transaction.value("s:setup", lambda _: 9) == 1, "it is not read again"
    assert transaction.commit(1.0).expected == {"s:setup": b"1"}
    assert list(transaction.to_believe()) == []
    transaction.loaded("s:setup", b"1")
    assert transaction.is_seen
    assert list(transaction.to_believe()) == [], "it was known"


def test_a_start_is_over_when_others_changed_what_it_read() -> None:
    start = begun().noted()
    transaction = Transaction(2.0, {}, start)
    transaction.loaded("s:setup", b"2")
    transaction.go_on()
    transaction.begin()
    assert (transaction.start, transaction.places, transaction.keys_read) == (None, {}, ())
    assert transaction.value("s:setup", number) == 2
    assert list(transaction.to_believe()) == [("s:setup", b"2")]
    forgetful = Transaction(2.0, {}, start)
    forgetful.begin()
    forgetful.forget()
    forgetful.begin()
    assert forgetful.start is None
    with pytest.raises(NotLoaded):
        forgetful.get("s:setup")


def test_what_is_no_start() -> None:
    transaction = Transaction(1.0, {"s:setup": b"1"})
    transaction.loaded("other", b"1")
    transaction.get("other")
    transaction.note_start("")
    assert transaction.noted() is None, "it read more than what is set up"
    transaction = Transaction(1.0, {"s:setup": b"1"})
    transaction.put("s:setup", b"2", 1.0)
    transaction.note_start("")
    assert transaction.noted() is None, "it changes what is set up"


def test_what_follows_from_other_setups_is_not_kept_with_a_start() -> None:
    transaction = begun()
    transaction.places["later"] = "too"
    start = transaction.noted()
    assert start is not None
    assert start.places == {"from": "setup", "later": "too"}
    transaction.loaded("t:setup", b"1")
    transaction.get("t:setup")
    start = transaction.noted()
    assert start is not None
    assert start.places == {"from": "setup"}


def test_a_conflict_may_have_made_room() -> None:
    transaction = Transaction(1.0)
    transaction.limit("set", 1)
    transaction.full()
    assert transaction.is_full("set", 1)
    transaction.forget()
    assert not transaction.is_full("set", 1)
