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
    """Runs `work`, if there is any, when mitmproxy exits: the last files of a recording are fetched and written.

    It is an addon beside the script: a script's own `done` must not be a coroutine, or a reload would keep the old code.
    """

    name = "falmock-exit-work"

    def __init__(self) -> None:
        self.work: Callable[[], Awaitable[None]] | None = None

    async def done(self) -> None:
        """mitmproxy exits."""
        work, self.work = self.work, None
        if work is not None:
            await work()


def exit_work() -> ExitWork:
    """The ExitWork of this mitmproxy process; registered on first use, at the front of the chain."""
    found = ctx.master.addons.get(ExitWork.name)
    if isinstance(found, ExitWork):
        return found
    made = ExitWork()
    put_first(made)
    return made
