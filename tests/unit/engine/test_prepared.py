from __future__ import annotations

from dataclasses import replace

from falmock.engine import prepared
from falmock.engine.jobs.pace import INSTANT
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.jobs.pace import schedule
from falmock.engine.prepared import PreparedCache
from unit.engine.calls import FAILING
from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import index_of

RECORDED = parse_pace("recorded")


def test_what_follows_from_a_fixture() -> None:
    (fixture,) = index_of(FLUX).fixtures
    known = PreparedCache().of(fixture, RECORDED)
    assert (known.fixture, known.label, known.why) == (fixture, "test.json#0", prepared.reason_of(fixture))
    plan = (known.plan.schedule, known.plan.answer, known.plan.honours_cancel)
    assert plan == (schedule(RECORDED, fixture.timeline), fixture.answer, fixture.timeline.honours_cancel)


def test_it_is_worked_out_once_for_a_pace() -> None:
    (fixture,) = index_of(FLUX).fixtures
    preparations = PreparedCache()
    first = preparations.of(fixture, RECORDED)
    assert preparations.of(fixture, RECORDED) is first
    assert preparations.of(fixture, INSTANT).plan.schedule == schedule(INSTANT, fixture.timeline)


def test_each_fixture_has_its_own() -> None:
    preparations = PreparedCache()
    fixtures = index_of(FLUX, FAILING).fixtures
    assert [preparations.of(fixture, INSTANT).fixture for fixture in fixtures * 2] == [*fixtures, *fixtures]


def test_memory_is_bounded() -> None:
    preparations = PreparedCache()
    (fixture,) = index_of(FLUX).fixtures
    for place in range(2 * prepared.LIMIT):
        assert preparations.of(fixture._replace(place=place), INSTANT).label == f"test.json#{place}"
    assert len(preparations._known) <= prepared.LIMIT


def test_what_follows_from_the_answer_to_one_call_is_kept_for_that_call_alone() -> None:
    preparations = PreparedCache()
    (fixture,) = index_of({"match": {}, "response": {"json": {"$input": "x"}}}).fixtures
    first, second = (preparations.of(fixture._replace(place=place), INSTANT) for place in (1, 2))
    assert (first.label, second.label) == ("test.json#1", "test.json#2")
    assert preparations.of(second.fixture, INSTANT) is second
    assert preparations.of(second.fixture, RECORDED).plan.schedule == schedule(RECORDED, fixture.timeline)
    assert preparations._known == {}


def test_another_pace_holds_for_the_jobs_to_come() -> None:
    client = Client(FLUX)
    endpoint, sent = "fal-ai/flux/dev", {"prompt": "a cat"}
    assert client.run(endpoint, sent).delay == 0
    client.engine.use_config(replace(client.engine.config, pace=RECORDED))
    assert client.run(endpoint, sent).delay == 6
