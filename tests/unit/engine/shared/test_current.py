"""The transaction under way, and what was read before and need not be read again."""

from __future__ import annotations

import pytest

from falmock.engine.shared import current as currents
from falmock.engine.shared.current import Current
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.transaction import Transaction


def test_state_is_used_within_transactions_only() -> None:
    current = Current()
    with pytest.raises(RuntimeError, match="outside a transaction"):
        _ = current.transaction
    assert not current.is_deciding
    outer, inner = Transaction(1.0), Transaction(2.0)

    def within(_: float) -> Transaction:
        assert current.decide(inner, lambda _: current.transaction) is inner
        with pytest.raises(NotLoaded):
            current.decide(inner, lambda _: inner.get("a"))
        return current.transaction

    assert current.decide(outer, within) is outer
    assert not current.is_deciding


def test_what_was_read_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(currents, "_READ", 2)
    monkeypatch.setattr(currents, "_SHORT", 3)
    current, reads = Current(), list[bytes]()

    def read(data: bytes) -> list[bytes]:
        reads.append(data)
        return [data]

    assert current.read_once(b"one", read) is current.read_once(b"one", read)
    for data in (b"long", b"long", b"two", b"two", b"6", b"one"):
        assert current.read_once(data, read) == [data]
    assert reads == [b"one", b"long", b"long", b"two", b"6", b"one"], (
        "long ones each time, the others until there are more"
    )


def test_what_a_log_says_about_jobs_is_remembered_until_it_is_another_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(currents, "_LOGS", 2)
    current = Current()
    calls = current.job_calls("a", 0)
    calls.last = 5
    assert current.job_calls("a", 7) is calls
    assert current.job_calls("a", 4) is not calls, "a log that is shorter than before has begun anew"
    calls = current.job_calls("a", 4)
    for other in "bcd":
        current.job_calls(other, 0)
        assert current.job_calls("a", 4) is calls, "the log that was least recently looked at is forgotten first"
    current.job_calls("e", 0)
    current.job_calls("f", 0)
    assert current.job_calls("a", 4) is not calls
