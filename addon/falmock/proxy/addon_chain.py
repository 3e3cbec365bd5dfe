"""Where falmock stands in mitmproxy's chain of addons: some come before mitmproxy's own, and some work is left for the exit."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

from mitmproxy import ctx


class FirstAddons:
    """Holds the addons that come first; mitmproxy finds them in it.

    They share one entry of the chain: each entry takes time at every hook of every call.
    """

    name = "falmock-first"

    def __init__(self) -> None:
        self.addons: list[Any] = []


def put_first(addon: Any) -> None:
    """Have an addon come before all others, those that were put first before included.

    It stays when the script goes away.
    """
    addons = ctx.master.addons
    first = addons.get(FirstAddons.name)
    # Always a new list, since mitmproxy is walking the old one while it configures us.
    if not isinstance(first, FirstAddons):
        first = FirstAddons()
        addons.chain = [addons.register(first), *addons.chain]
    first.addons = [addons.register(addon), *first.addons]


class ExitWork:
    """Runs `work`, if there is any, when mitmproxy exits: the last files of a recording are fetched and written.

    It is an addon beside the script: a script's own `done` must not be a coroutine, or a reload would keep the old code,
    and it runs after mitmproxy's client replay has stopped, through which files are fetched.
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
    """The one of this mitmproxy process; registered on first use, at the front of the chain."""
    found = ctx.master.addons.get(ExitWork.name)
    if isinstance(found, ExitWork):
        return found
    made = ExitWork()
    put_first(made)
    return made
