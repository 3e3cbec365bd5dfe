"""Stores for tests: each hands on to another store what it is asked, and does something before or after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from falmock.store.interface import Unavailable


class HandingOn:
    """A store that hands on what it is asked."""

    def __init__(self, store: Any) -> None:
        self.store = store

    async def before(self, name: str) -> None:
        """Called before a method."""

    async def after(self, name: str) -> None:
        """Called before the answer of a method is given."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def called(*given: Any) -> Any:
            await self.before(name)
            answer = await getattr(self.store, name)(*given)
            await self.after(name)
            return answer

        return called


class Away(HandingOn):
    """A store that is away while a test says so."""

    is_away = False

    async def before(self, name: str) -> None:  # noqa: ARG002
        if self.is_away:
            raise Unavailable("no route to the store")


class Counting(HandingOn):
    """A store that notes the round trips to it, by their names: of these methods, if they are given."""

    def __init__(self, store: Any, *names: str) -> None:
        super().__init__(store)
        self.trips: list[str] = []
        self._names = names

    async def before(self, name: str) -> None:
        if not self._names or name in self._names:
            self.trips.append(name)


class Slow(HandingOn):
    """A store whose calls let others pass before they are done and before their answers come, as often as `turns` says."""

    def __init__(self, store: Any, turns: Iterator[int]) -> None:
        super().__init__(store)
        self._turns = turns

    async def before(self, name: str) -> None:  # noqa: ARG002
        for _ in range(next(self._turns)):
            await asyncio.sleep(0)

    after = before
