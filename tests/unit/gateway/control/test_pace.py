"""The pace of a scope, set by a test."""

from __future__ import annotations

from unit.gateway.steering import Steered
from unit.gateway.steering import answering


def test_the_default_scope_gets_a_pace_of_its_own_and_loses_it() -> None:
    steered = Steered(answering({}))
    assert steered.ask("PUT", "/pace", {"pace": "manual"}) == {"pace": "manual"}
    job = steered.submit("t/e")
    assert steered.status("t/e", job)["status"] == "IN_QUEUE"
    assert steered.status("t/e", steered.submit("t/e", scope="new"), "new")["status"] == "COMPLETED"
    assert steered.ask("PUT", "/pace", {"pace": None}) == {"pace": "instant"}
    assert steered.status("t/e", steered.submit("t/e"))["status"] == "COMPLETED"
    assert steered.status("t/e", job)["status"] == "IN_QUEUE"


def test_a_reset_takes_it_away() -> None:
    steered = Steered(answering({}))
    steered.ask("PUT", "/pace", {"pace": "manual"})
    steered.ask("POST", "/reset")
    assert steered.engines.common.config.pace_text == "instant"


def test_a_named_scope() -> None:
    steered = Steered(answering({}))
    assert steered.ask("PUT", "/pace", {"pace": "3s"}, scope="one") == {"pace": "3s"}
    assert steered.engines.common.config.pace_text == "instant"


def test_one_that_is_none() -> None:
    steered = Steered()
    assert "pace:" in steered.ask("PUT", "/pace", {"pace": "soon"}, 400)["message"]
    assert "pace" in repr(steered.ask("PUT", "/pace", {}, 400))
