from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.incidental import less_incidental

ONE, OTHER, THIRD = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
ULID = "01JZ0000000000000000000000"
DAY, MONTH_LATER = "2025-07-15T22:43:18Z", "2025-08-15T09:00:00Z"


def told(*values: Any, at: Any = DAY) -> Any:
    """The events of a recording made then, with names."""
    return less_incidental({"stream": [{"at": 0.5, "json": value} for value in values], "recorded": {"at": at}})[
        "stream"
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (({"request_id": ONE}, {"request_id": ONE}), ({"request_id": OTHER}, {"request_id": OTHER})),
        (({"a": ONE}, {"a": THIRD}), ({"a": OTHER}, {"a": ONE})),
        ((f"run {ONE} of {OTHER}",), (f"run {THIRD} of {ONE}",)),
        (([ULID],), ([ULID[:-1] + "1"],)),
        (({"url": "https://x.org/a.png?sig=abc"},), ({"url": "https://x.org/a.png?sig=xyz"},)),
    ],
)
def test_ids_count_by_where_they_stand(one: Any, other: Any) -> None:
    assert one != other
    assert told(*one) == told(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (({"a": ONE}, {"a": ONE}), ({"a": ONE}, {"a": OTHER})),
        (({"a": ONE}, {"b": OTHER}), ({"a": ONE}, {"b": ONE})),
        (({"a": ONE},), ({"a": "id-1"},)),
        (({"a": ONE},), ({"b": ONE},)),
        (({"a": ONE, "n": 1},), ({"a": ONE, "n": 2},)),
        ((True,), (False,)),
        ((10**400,), (10**401,)),
    ],
)
def test_whatever_else_differs_counts(one: Any, other: Any) -> None:
    assert told(*one) != told(*other)


@pytest.mark.parametrize(
    ("then", "later"),
    [
        ("2025-07-15T22:43:19.123456Z", "2025-08-15T09:00:01Z"),
        ("2025-07-16T08:43:19", "2025-08-15 09:00:01"),
        ("20250715T224319Z", "20250815T090001Z"),
        ("at 1752619399", "at 1755248401"),
        (1_752_619_399, 1_755_248_401.5),
        (1_752_619_399_000, 1_755_248_401_000),
    ],
)
def test_times_of_the_run_do_not_count(then: Any, later: Any) -> None:
    assert told({"created": then}) == told({"created": later}, at=MONTH_LATER)
    assert told({"created": then}) != told({"created": then}, at=MONTH_LATER), "of another day it is something told"
    for unknown in (None, "today", [], 1e400):
        assert told({"created": then}, at=unknown) != told({"created": later}, at=unknown)


def test_a_seed_is_no_time() -> None:
    assert told({"seed": 1_600_000_000}) != told({"seed": 1_600_000_001})


def test_all_that_an_event_tells_is_looked_at_and_nothing_else() -> None:
    def entry(run: str) -> dict[str, Any]:
        events = [{"at": 1, "event": f"begin {run}", "id": run, "data": f"I am {run}"}, {"at": 2, "end": True}]
        return {"match": {"input": {"id": ONE}}, "stream": {"events": events, "billableUnits": 1}}

    named = less_incidental(entry(ONE))
    assert named == less_incidental(entry(OTHER))
    assert named["match"] == {"input": {"id": ONE}}
    assert named["stream"]["billableUnits"] == 1
    assert [event["at"] for event in named["stream"]["events"]] == [1, 2]


def test_what_is_no_stream_is_left_alone() -> None:
    answer = {"response": {"json": {"id": ONE}}, "recorded": {"at": DAY}}
    assert less_incidental(answer) is answer


IDS = st.lists(st.uuids(), min_size=4, max_size=4, unique=True)
PLACES = st.lists(st.integers(0, 3), min_size=3, max_size=4)


@given(first=IDS, second=IDS, one=PLACES, other=PLACES)
def test_only_ids_that_stand_for_each_other_one_to_one_are_the_same(
    first: list[uuid.UUID], second: list[uuid.UUID], one: list[int], other: list[int]
) -> None:
    def events(ids: list[uuid.UUID], places: list[int]) -> Any:
        return told(*({"request_id": str(ids[place])} for place in places))

    def pattern(places: list[int]) -> list[int]:
        return [places.index(place) for place in places]

    assert events(first, one) == events(second, one)
    assert (events(first, one) == events(second, other)) == (pattern(one) == pattern(other))
