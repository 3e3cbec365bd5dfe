"""What comes before mitmproxy's own addons, in one entry of its chain: each takes time at every hook of every call."""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

from mitmproxy import ctx

from falmock.proxy import addon_chain as front

NAME = "falmock-front"


class Front:
    """Holds the addons; mitmproxy finds them in it."""

    name = NAME

    def __init__(self) -> None:
        self.addons: list[Any] = []


def put(addon: Any) -> None:
    """Have an addon come before all others, those that were put here before included.

    It stays when the script goes away.
    """
    addons = ctx.master.addons
    front = addons.get(NAME)
    # Always a new list, since mitmproxy is walking the old one while it configures us.
    if not isinstance(front, Front):
        front = Front()
        addons.chain = [addons.register(front), *addons.chain]
    front.addons = [addons.register(addon), *front.addons]


NAME = "falmock-finish"


class Finish:
    """Runs `work`, if there is any, when mitmproxy exits."""

    name = NAME

    def __init__(self) -> None:
        self.work: Callable[[], Awaitable[None]] | None = None

    async def done(self) -> None:
        """mitmproxy exits."""
        work, self.work = self.work, None
        if work is not None:
            await work()


def installed() -> Finish:
    """The one of this mitmproxy process; registered on first use, at the front of the chain."""
    addons = ctx.master.addons
    finish = addons.get(NAME)
    if not isinstance(finish, Finish):
        finish = Finish()
        front.put(finish)
    return finish
