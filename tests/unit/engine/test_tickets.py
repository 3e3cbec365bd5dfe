"""Tickets to read files: which are taken."""

from __future__ import annotations

import pytest
from hypothesis import assume
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.tickets import SECONDS
from falmock.engine.tickets import Tickets

TIMES = st.floats(0, 1e11)


@given(st.binary(), TIMES, st.floats(0, SECONDS - 1))
def test_one_holds_for_a_while(secret: bytes, now: float, later: float) -> None:
    ticket, expires = Tickets(secret).give(now)
    assert expires <= now + SECONDS
    assert Tickets(secret).holds(ticket, now)
    assert Tickets(secret).holds(ticket, min(now + later, expires - 0.5))
    assert not Tickets(secret).holds(ticket, expires)
    assert not Tickets(secret).holds(ticket, now + SECONDS)


@given(st.binary(), st.binary(), TIMES)
def test_one_of_another_secret(secret: bytes, other: bytes, now: float) -> None:
    assume(secret.rstrip(b"\0") != other.rstrip(b"\0"))  # HMAC fills keys up with zeros
    ticket, _ = Tickets(other).give(now)
    assert not Tickets(secret).holds(ticket, now)


@given(TIMES, st.integers(0, 60), st.characters())
def test_one_with_another_letter(now: float, place: int, letter: str) -> None:
    tickets = Tickets(b"falmock")
    ticket, _ = tickets.give(now)
    forged = ticket[: place % len(ticket)] + letter + ticket[place % len(ticket) + 1 :]
    assume(forged != ticket)
    assert not tickets.holds(forged, now)


@given(TIMES, st.integers(1, 10**6))
def test_one_that_was_prolonged(now: float, more: int) -> None:
    tickets = Tickets(b"falmock")
    ticket, expires = tickets.give(now)
    assert not tickets.holds(ticket.replace(str(expires), str(expires + more)), now)


@pytest.mark.parametrize(
    "text", ["", ".", "1", "1.", "é.é", f"0{10**11}.{'A' * 43}", f"{10**20}.{'A' * 43}", "٣." + "A" * 43]
)
def test_what_is_none(text: str) -> None:
    assert not Tickets(b"falmock").holds(text, 0)


@given(st.text())
def test_whatever_comes(text: str) -> None:
    assert not Tickets(b"falmock").holds(text, 0)
