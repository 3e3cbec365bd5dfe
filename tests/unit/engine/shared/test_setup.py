"""The records of what is set up: their keys, and what a reset makes of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.shared import setup as setups
from falmock.engine.shared.setup import Added
from falmock.engine.shared.setup import Setup

EARLIER = Setup(
    2, 5, exists=True, batches=(Added("added/1", "d"),), rules="r", pace="manual", numbered=7, alias=("b", 1), drops=3
)


def test_a_record_is_read_as_it_was_written() -> None:
    assert setups.setup_of(setups.setup_bytes(EARLIER)) == EARLIER
    assert setups.common_of(setups.common_bytes(setups.NO_COMMON)) == setups.NO_COMMON


def test_a_reset_begins_a_new_generation_and_keeps_the_alias() -> None:
    assert EARLIER.renewed(2, is_named=True) == Setup(2, 6, alias=("b", 1), drops=3)
    assert EARLIER.renewed(2, is_named=False) == Setup(2, 6, numbered=7, alias=("b", 1), drops=3)
    assert EARLIER.renewed(3, is_named=True) == Setup(3, 0, alias=("b", 1), drops=3)


@given(st.text(), st.text())
def test_keys_tell_all_scopes_apart(one: str, other: str) -> None:
    assert setups.of_tag(setups.tag(one)) == one
    assert (setups.setup_key(one) == setups.setup_key(other)) is (one == other)
    assert setups.setup_key(one).count("}") == 1
