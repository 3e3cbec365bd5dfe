from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai_keys import REST_SECONDS
from falmock.gateway.openai_keys import Keys

ABC = ("a", "b", "c")


def test_keys_take_turns() -> None:
    keys = Keys()
    assert [keys.next(ABC, 0.0) for _ in range(4)] == ["a", "b", "c", "a"]
    assert keys.next((), 0.0) is None


def test_one_that_rests_is_passed_over() -> None:
    keys = Keys()
    keys.rest("b", 100.0)
    assert [keys.next(ABC, 101.0) for _ in range(4)] == ["a", "c", "a", "c"]
    assert [keys.next(ABC, 100.0 + REST_SECONDS) for _ in range(3)] == ["a", "b", "c"]


def test_when_all_rest_the_one_goes_that_rested_longest() -> None:
    keys = Keys()
    for at, key in ((3.0, "a"), (1.0, "b"), (2.0, "c")):
        keys.rest(key, at)
    assert keys.next(ABC, 4.0) == "b"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.floats(0, 5000))))
def test_there_is_always_a_key(story: list[tuple[str, bool, float]]) -> None:
    keys = Keys()
    for key, rests, now in story:
        if rests:
            keys.rest(key, now)
        given = keys.next(("a", key), now)
        assert given in ("a", key)
