"""Taking the webhooks of a store, where something is wrong with one of them, or with the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from falmock.engine.shared.webhooks import shared
from falmock.engine.webhooks.schedule import WebhookSchedule
from falmock.store.interface import Commit
from falmock.store.interface import Score
from falmock.store.interface import Unavailable
from falmock.store.memory import MemoryStore
from unit.engine.calls import index_of
from unit.engine.hooked import paced
from unit.replicas import A
from unit.replicas import B
from unit.replicas import Replicas
from unit.replicas import play


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "falmock.sharing.webhooks"]


def test_one_without_the_fixture_leaves_it_to_others(caplog: pytest.LogCaptureFixture) -> None:
    async def story(mock: Replicas) -> None:
        mock.apps[B].engines.use_fixtures(index_of())
        job = await mock.order(A, "acme/quick")
        for seconds in (1, 32):
            assert await mock.at(B, seconds) == []
        (line,) = warnings(caplog)
        assert job.rpartition("/")[2] in line
        assert "all falmocks of a store must have the same fixtures" in line
        assert await mock.at(A, 61) == []
        (post,) = await mock.at(A, 62)
        assert post.attempt == 1

    play(story)


def test_one_that_cannot_be_read_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def story(mock: Replicas) -> None:
        await mock.store.commit(Commit(scores=[Score("{}:hooks", b"2:of another form", 5.0)]))
        await mock.order(A, "acme/quick")
        assert len(await mock.at(B, 1)) == 1
        (line,) = warnings(caplog)
        assert line.startswith("falmock: webhook 2:of another form is delayed: ")

    play(story)


class Failing(MemoryStore):
    """A store that does not load webhooks while a test says so."""

    is_failing = False

    async def load(self, keys: Sequence[str]) -> list[bytes | None]:
        if self.is_failing and any(":hook:" in key for key in keys):
            raise Unavailable("it was switched off")
        return await super().load(keys)


def test_one_that_was_taken_when_the_store_went_away_comes_later() -> None:
    async def story(mock: Replicas) -> None:
        store = mock.store
        assert isinstance(store, Failing)
        await mock.order(A, "acme/quick")
        store.is_failing = True
        assert await mock.at(A, 1) == []
        store.is_failing = False
        assert await mock.at(A, 30) == []
        assert len(await mock.at(A, 31)) == 1

    play(story, make=Failing)


def test_what_is_given_back_is_posted_by_others_at_once() -> None:
    async def story(mock: Replicas) -> None:
        await mock.order(A, "acme/quick")
        (post,) = await mock.at(A, 1)
        await mock.hooks[A].shared.give_back([str(post.key)])
        (again,) = await mock.due(B)
        assert again.attempt == 2
        await mock.hooks[A].shared.give_back([str(post.key)])  # it is B's by now
        assert await mock.due(A) == []

    play(story)


def test_the_first_key_counts() -> None:
    async def story(mock: Replicas) -> None:
        ours, theirs = (hooks.shared for hooks in mock.hooks)
        assert [await ours.agree(b"a"), await theirs.agree(b"b"), await theirs.agree(b"a")] == [True, False, True]

    play(story)


def test_what_is_undelivered() -> None:
    async def story(mock: Replicas) -> None:
        for scope in ("other", ""):
            await mock.order(A, "acme/waits", scope)
        engines, calls = mock.apps[B].engines, mock.apps[B].shared
        assert calls is not None

        def look(_: float) -> tuple[Any, ...]:
            schedule = engines.webhooks
            has = [schedule.has_any_of(scope) for scope in ("", "other", "third")]
            return len(schedule), len(schedule.standing), has, schedule.used

        assert await calls.run(look) == (2, 2, [True, True, False], True)

    play(story)


def test_a_schedule_in_memory_is_none_of_a_store() -> None:
    client = paced()
    with pytest.raises(TypeError, match="expected a schedule in a store"):
        shared(client.schedule)
    assert type(client.schedule) is WebhookSchedule
