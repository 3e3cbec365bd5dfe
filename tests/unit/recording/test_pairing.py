from __future__ import annotations

from typing import Any

import pytest

from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from falmock.recording.pairing import Pairings
from falmock.recording.pairing import is_over
from falmock.recording.pairing import pairings
from falmock.wire.formats.frames import Close
from falmock.wire.message import Request

OVER = {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs"}
WRONG = {"type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": "no"}
TIMING = {"type": "x-fal-message", "action": "timings", "timing": 0.1}


def split(*said: tuple[str, Any], close: Close | None = None, query: str = "") -> Pairings:
    """The pairings of a session; a message is its sender (`>` the client, `<` the server) and its value."""
    request = Request("GET", "fal.run", "/a/b/realtime", query, {}, b"")
    messages = tuple(Message(float(at), who == ">", str(value)) for at, (who, value) in enumerate(said))
    return pairings(
        Session(request, 0.0, messages, 99.0, close), zip(messages, [value for _, value in said], strict=True)
    )


def told(*said: tuple[str, Any], close: Close | None = None, query: str = "") -> list[tuple[Any, list[Any]]]:
    """What each turn asked and was answered."""
    found = split(*said, close=close, query=query).all
    assert all(turn.at == turn.sent.at for turn in found if turn.sent is not None)
    return [
        (turn.value, [value for _, value in turn.answers] + ([turn.close.code] if turn.close else []))
        for turn in found[0 if found[0].answers or found[0].close else 1 :]
    ]


def test_the_oldest_input_without_a_result_gets_the_next_one() -> None:
    assert told((">", 1), (">", 2), ("<", "a"), (">", 3), ("<", "b"), ("<", "c")) == [
        (1, ["a"]),
        (2, ["b"]),
        (3, ["c"]),
    ]


def test_further_results_go_to_the_input_that_was_answered_last() -> None:
    said = ((">", 1), ("<", "a"), ("<", "b"), (">", 2), ("<", "c"), ("<", "d"))
    assert told(*said) == [(1, ["a", "b"]), (2, ["c", "d"])]


def test_an_input_that_was_never_answered() -> None:
    assert told((">", 1), ("<", "a"), (">", 2)) == [(1, ["a"]), (2, [])]


def test_what_comes_before_the_first_input_belongs_to_the_opening() -> None:
    assert told(("<", "hello"), ("<", TIMING), (">", 1), ("<", "a")) == [(None, ["hello", TIMING]), (1, ["a"])]
    assert told(close=Close(1000)) == [(None, [1000])]


def test_control_messages_go_with_the_result_they_follow() -> None:
    assert told((">", 1), (">", 2), ("<", "a"), ("<", TIMING), ("<", "b"), ("<", TIMING)) == [
        (1, ["a", TIMING]),
        (2, ["b", TIMING]),
    ]
    assert told(("<", "hello"), (">", 1), ("<", TIMING), ("<", "a")) == [(None, ["hello"]), (1, [TIMING, "a"])]


def test_an_error_answers_and_the_end_goes_with_the_last_input() -> None:
    assert told((">", 1), (">", 2), ("<", WRONG), close=Close(1011)) == [(1, [WRONG]), (2, [1011])]
    assert told((">", 1), ("<", "a"), (">", 2), ("<", OVER), close=Close()) == [(1, ["a"]), (2, [OVER, 1000])]


def test_an_equal_request_id_decides() -> None:
    one, two = {"request_id": "1"}, {"request_id": "2"}
    assert told((">", one), (">", two), ("<", two), ("<", one), ("<", two)) == [(one, [one]), (two, [two, two])]
    assert told((">", one), ("<", {"request_id": "other"})) == [(one, [{"request_id": "other"}])]
    assert told((">", {"request_id": 1}), ("<", {"request_id": 1})) == [({"request_id": 1}, [{"request_id": 1}])]


def test_words_of_the_gateway() -> None:
    assert is_over(OVER)
    assert not is_over(WRONG)
    assert not is_over([])


# messages that the app may have dropped

FIVE = [(">", number) for number in range(5)]
ONE_WAITS = "fal_jwt_token=x&max_buffering=1"


def test_the_oldest_that_waits_is_taken_to_be_dropped_where_the_client_set_a_limit() -> None:
    answered = [(0, ["a"]), (1, []), (2, []), (3, []), (4, ["b", 1000])]
    assert told(*FIVE, ("<", "a"), ("<", "b"), close=Close(), query=ONE_WAITS) == answered
    assert not split(*FIVE, ("<", "a"), ("<", "b"), close=Close(), query=ONE_WAITS).is_doubtful
    assert told(*FIVE, ("<", "a"), ("<", "b"), close=Close())[1] == (1, ["b"])


@pytest.mark.parametrize(
    ("said", "close", "query", "is_doubtful"),
    [
        # Fewer results than messages: which were dropped?
        ([*FIVE, ("<", "a"), ("<", "b")], Close(), "", True),
        ([*FIVE, ("<", "a"), ("<", "b")], None, "", True),
        # A message in progress is never dropped.
        ([*FIVE, ("<", "a")], None, "", False),
        ([(">", 1), ("<", "a"), (">", 2), ("<", "b"), (">", 3)], None, "", False),
        # As many results as messages.
        ([*FIVE, *[("<", str(number)) for number in range(5)]], Close(), "", False),
        # More or fewer results than the requested limit explains.
        ([*FIVE, ("<", "a"), ("<", "b"), ("<", "c")], Close(), ONE_WAITS, True),
        ([*FIVE[:3], ("<", "a"), ("<", "b"), (">", 3), (">", 4), ("<", "c")], Close(), ONE_WAITS, True),
        # The client left while some were in progress.
        ([*FIVE[:3], ("<", "a"), ("<", "b"), (">", 3), (">", 4), ("<", "c")], None, ONE_WAITS, False),
        # One message with several results.
        ([(">", 1), ("<", "a"), ("<", "b")], Close(), ONE_WAITS, False),
        # Results that say whose they are.
        ([(">", {"request_id": "x"}), (">", {"request_id": "y"}), ("<", {"request_id": "y"})], Close(), "", False),
    ],
)
def test_where_results_may_stand_with_the_wrong_messages(
    said: list[tuple[str, Any]], close: Close | None, query: str, *, is_doubtful: bool
) -> None:
    assert split(*said, close=close, query=query).is_doubtful is is_doubtful
