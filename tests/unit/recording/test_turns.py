from __future__ import annotations

from typing import Any

from falmock.recording.session import Message
from falmock.recording.session import Session
from falmock.recording.turns import is_over
from falmock.recording.turns import is_refusal
from falmock.recording.turns import turns
from falmock.wire.frames import Close
from falmock.wire.message import Request

OVER = {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs"}
WRONG = {"type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": "no"}
TIMING = {"type": "x-fal-message", "action": "timings", "timing": 0.1}


def told(*said: tuple[str, Any], close: Close | None = None) -> list[tuple[Any, list[Any]]]:
    """What each turn asked and was answered; a message is who said it (`>` the client, `<` the server), and what."""
    request = Request("GET", "fal.run", "/a/b/realtime", "", {}, b"")
    messages = tuple(Message(float(at), who == ">", str(value)) for at, (who, value) in enumerate(said))
    found = turns(
        Session(request, 0.0, messages, 99.0, close), zip(messages, [value for _, value in said], strict=True)
    )
    assert all(turn.at == turn.asked.at for turn in found if turn.asked is not None)
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
    assert is_refusal({"status": "error", "error": "Unauthorized"})
    assert not is_refusal({"status": "error", "error": "no"})
    assert not is_refusal("Unauthorized")
    assert is_over(OVER)
    assert not is_over(WRONG)
    assert not is_over([])
