from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.injected_fault import LONGEST
from falmock.engine.injected_fault import FaultCounts
from falmock.engine.injected_fault import SeededRandom
from falmock.fixtures.fault import Latency
from falmock.fixtures.fault import Spread
from falmock.fixtures.format.fault import read_text

CALLS = 2000


def waits(latency: Latency) -> list[float]:
    return [SeededRandom(0, "x", number).seconds(latency) for number in range(CALLS)]


@given(st.integers() | st.text(), st.text(), st.integers(), st.text())
def test_equal_calls_draw_the_same(seed: int | str, who: str, number: int, purpose: str) -> None:
    share = SeededRandom(seed, who, number).share(purpose)
    assert 0 <= share < 1
    assert share == SeededRandom(seed, who, number).share(purpose)


def test_what_differs_draws_otherwise() -> None:
    chances = [SeededRandom(0, "x", 1), SeededRandom(1, "x", 1), SeededRandom(0, "y", 1), SeededRandom(0, "x", 2)]
    assert len({rng.share("a") for rng in chances} | {chances[0].share("b")}) == 5


def test_shares_are_spread_evenly() -> None:
    shares = [SeededRandom(0, "x", number).share("a") for number in range(CALLS)]
    assert statistics.mean(shares) == pytest.approx(0.5, abs=0.03)
    assert statistics.pstdev(shares) == pytest.approx(12**-0.5, abs=0.02)


def test_a_fixed_wait() -> None:
    assert set(waits(Latency(Spread.FIXED, 1.5))) == {1.5}


def test_an_even_wait() -> None:
    found = waits(Latency(Spread.UNIFORM, 1, 3))
    assert min(found) >= 1
    assert max(found) < 3
    assert statistics.mean(found) == pytest.approx(2, abs=0.05)


def test_a_lognormal_wait() -> None:
    found = waits(Latency(Spread.LOGNORMAL, 2, 0.5))
    assert statistics.median(found) == pytest.approx(2, rel=0.05)
    # Of a lognormal the mean is median * exp(sigma^2 / 2).
    assert statistics.mean(found) == pytest.approx(2 * 1.1331, rel=0.05)


@given(st.floats(0, 1e6), st.floats(0, 10), st.integers())
def test_no_wait_is_longer_than_can_be_waited_for(median: float, sigma: float, number: int) -> None:
    assert 0 <= SeededRandom(0, "x", number).seconds(Latency(Spread.LOGNORMAL, median, sigma)) <= LONGEST


def test_who_knows_its_key_draws_the_same() -> None:
    drawn = SeededRandom(0, "x", 1)
    assert SeededRandom.of_key(drawn.key).share("a") == drawn.share("a")


def test_faults_are_counted_by_their_keys() -> None:
    counts, second = FaultCounts(limit=2), read_text('{"error": "runner_disconnected", "nth": 2, "times": 1}')

    def due(key: str) -> bool:
        return counts.draw(second, key, 0) is not None

    assert [due("a"), due("b"), due("a"), due("a")] == [False, False, True, False]
    counts.strike("a")
    assert (counts.struck("a"), counts.struck("b"), counts.struck("never")) == (1, 0, 0)
    assert [due("c"), due("b"), due("c")] == [False, False, True], "b was checked before all others, and is forgotten"
    counts.clear()
    assert (counts.struck("a"), due("c")) == (0, False)
