"""aimock's chaos and errors in a store, and in memory: the same."""

from __future__ import annotations

import pytest

from falmock.engine.shared.current import Current
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.setup import COMMON_KEY
from falmock.engine.shared.transaction import Transaction
from falmock.fixtures.model import Worded
from falmock.gateway.aimock import steering as module
from falmock.gateway.aimock.shared_steering import SharedSteeredScopes
from falmock.gateway.aimock.steering import OneError
from falmock.gateway.aimock.steering import Steering

KEYS = [f"{{{scope}}}:aimock.{number}:setup" for scope in ("", "a") for number in (0, 1)]
ERRORS = [OneError(418, Worded("one")), OneError(503, Worded("two", "kind", "code"))]


def everything(steering: Steering) -> list[object]:
    """What is told when all is set, taken and forgotten once."""
    told: list[object] = [steering.chaos("a"), steering.take_error("a")]
    steering.set_chaos("", {"dropRate": 0.5, "latencyMs": 250})
    told.append(steering.chaos("a"))
    steering.set_chaos("a", {})
    for error in ERRORS:
        steering.add_error("a", error)
    steering.add_error("", ERRORS[0])
    told += [steering.chaos("a"), *(steering.take_error("a") for _ in range(4))]
    told += [steering.rng("a").share("x"), steering.rng("a").share("x"), steering.rng("").share("x")]
    steering.forget("a")
    told += [steering.chaos("a"), steering.rng("a").share("x")]
    steering.forget_all()
    return [*told, steering.chaos("a"), steering.rng("").share("x")]


def test_a_store_tells_what_memory_tells() -> None:
    current, shared = Current(), Steering()
    shared.scopes = SharedSteeredScopes(current)
    transaction = Transaction(1.0, dict.fromkeys([COMMON_KEY, *KEYS]))
    told = current.decide(transaction, lambda _: everything(shared))
    assert told == everything(Steering())
    assert str(told) == str(everything(Steering())), "a whole number is one"


def test_what_is_set_is_loaded_where_it_is_not_known() -> None:
    current = Current()
    scopes = SharedSteeredScopes(current)
    with pytest.raises(NotLoaded) as missing:
        current.decide(Transaction(1.0, {COMMON_KEY: None}), lambda _: scopes.get("a"))
    assert missing.value.needed == ("{a}:aimock.0:setup",)


def test_few_scopes_are_kept_in_memory_and_the_shared_one_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 2)
    steering = Steering()
    for scope in ("", "a", "b"):
        steering.set_chaos(scope, {"dropRate": 1.0 if not scope else 0.5})
    assert [steering.chaos(scope)["dropRate"] for scope in ("", "a", "b")] == [1.0, 1.0, 0.5]
