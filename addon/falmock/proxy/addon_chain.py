"""falmock's addons in mitmproxy's chain: some come before mitmproxy's own, and one does work at the exit."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

from mitmproxy import ctx


class FirstAddons:
    """Holds the addons that come first, as its sub-addons.

    They share one entry of the chain, because each entry costs time at every hook of every call.
    """

    name = "falmock-first"

    def __init__(self) -> None:
        self.addons: list[Any] = []


def put_first(addon: Any) -> None:
    """Put an addon before all others, also those put first earlier. It stays when the script is unloaded."""
    addons = ctx.master.addons
    first = addons.get(FirstAddons.name)
    # Always a new list: mitmproxy iterates over the old one while it configures this addon.
    if not isinstance(first, FirstAddons):
        first = FirstAddons()
        addons.chain = [addons.register(first), *addons.chain]
    first.addons = [addons.register(addon), *first.addons]


class ExitWork:
    """Runs what has to be awaited when mitmproxy exits: the last files of a recording, the last calls for a store.

    It is an addon beside the script: a script's own `done` must not be a coroutine, or a reload would keep the old code.
    """

    name = "falmock-exit-work"

    def __init__(self) -> None:
        self._works: dict[str, Callable[[], Awaitable[None]]] = {}

    def use(self, name: str, work: Callable[[], Awaitable[None]] | None) -> None:
        """Await this at the exit, after what was set before it, in place of the work of the same name; None: of nothing."""
        self._works.pop(name, None)
        if work is not None:
            self._works[name] = work

    async def done(self) -> None:
        """mitmproxy exits."""
        works, self._works = self._works, {}
        for work in works.values():
            await work()


def exit_work() -> ExitWork:
    """The ExitWork of this mitmproxy process; registered on first use, at the front of the chain."""
    found = ctx.master.addons.get(ExitWork.name)
    if isinstance(found, ExitWork):
        return found
    made = ExitWork()
    put_first(made)
    return made
