"""Where direct requests come in, and what becomes of one whose client goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Callable

import pytest

from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.fixtures.index import Index
from falmock.gateway.door import Ask
from falmock.proxy import entrance
from falmock.proxy.callers import Callers
from falmock.proxy.entrance import Entrance
from falmock.wire.message import Request
from falmock.wire.uuid7 import uuid7

REQUEST = Request("GET", "127.0.0.1", "/mine", "", {}, b"")
ANSWER = Reply(200, (), b"answered", "answered")


class Door:
    """A door that answers at length."""

    name = "the only one"

    def __init__(self, act: Callable[[], Awaitable[Reply]]) -> None:
        self._act = act

    def claims(self, request: Request) -> bool:
        return request.path == "/mine"

    async def answer(self, request: Request, ask: Ask, now: float) -> Reply:  # noqa: ARG002
        return await self._act()


async def nobody(request: Request) -> Reply:
    raise AssertionError(request)


def behind(act: Callable[[], Awaitable[Reply]]) -> Entrance:
    engines = Engines(Config(), Index(), lambda now: uuid7(now, 1))
    return Entrance(engines, Callers(), [Door(act)], nobody)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "LOOKS_AGAIN", 0.001)


def left_over() -> set[str]:
    """The tasks that are not the test's own."""
    return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def test_an_answer_that_takes_its_time() -> None:
    async def takes_time() -> None:
        looked: list[bool] = []
        is_enough = asyncio.Event()

        async def act() -> Reply:
            await is_enough.wait()
            return ANSWER

        def is_there() -> bool:
            looked.append(True)
            if len(looked) == 3:
                is_enough.set()
            return True

        assert await behind(act).answer(REQUEST, is_there) == ANSWER

    asyncio.run(takes_time())


def test_a_door_stops_when_its_client_goes_and_is_let_finish() -> None:
    done: list[str] = []

    async def act() -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02)  # it is looked again meanwhile: the end is not cut short
            done.append("cancelled the job")
        return ANSWER

    async def goes() -> None:
        reply = await behind(act).answer(REQUEST, lambda: False)
        assert isinstance(reply, Reply)
        assert (reply.status, done) == (499, ["cancelled the job"])
        assert left_over() == set()

    asyncio.run(goes())


def test_what_a_door_raises_is_raised() -> None:
    async def act() -> Reply:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(behind(act).answer(REQUEST, lambda: True))


def test_when_mitmproxy_ends_so_does_the_door() -> None:
    async def ends() -> None:
        began = asyncio.Event()

        async def act() -> Reply:
            began.set()
            await asyncio.Event().wait()
            return ANSWER

        answering = asyncio.ensure_future(behind(act).answer(REQUEST, lambda: True))
        await began.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        await asyncio.sleep(0)
        assert left_over() == set()

    asyncio.run(ends())


def test_a_path_that_no_door_is_for() -> None:
    reply = asyncio.run(behind(lambda: asyncio.sleep(0, ANSWER)).answer(REQUEST._replace(path="/other"), lambda: True))
    assert isinstance(reply, Reply)
    assert (reply.status, b"the only one" in bytes(reply.body)) == (404, True)  # type: ignore[arg-type]
