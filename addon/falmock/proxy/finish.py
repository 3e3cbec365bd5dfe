"""What has to be done before mitmproxy exits and takes time: a recording's last files are fetched and written.

It is an addon of its own, beside the script: a script's `done` must not be a coroutine, or a reload would keep the
old code, and it comes after mitmproxy's client replay has stopped, through which files are fetched.
"""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable

from mitmproxy import ctx

from falmock.proxy import front

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
