"""How the process that starts workers hears that calls come, so that none for a while ends them all."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Self

SHARE = 10
"""Workers tell of calls every so many parts of the idle time."""


class Activity:
    """A pipe that all workers write to when calls have come. There is none without an idle time (seconds)."""

    def __init__(self, idle: float | None) -> None:
        self._idle = idle
        self._reading = self.writing = -1

    def __enter__(self) -> Self:
        if self._idle is not None:
            self._reading, self.writing = os.pipe()
        return self

    def __exit__(self, *_: object) -> None:
        if self._idle is not None:
            os.close(self._reading)
            os.close(self.writing)

    async def ends(self) -> bool:
        """Wait until no worker has told of calls for the idle time: for ever if there is none."""
        if self._idle is None:
            await asyncio.Event().wait()
            return True
        loop, came = asyncio.get_running_loop(), asyncio.Event()

        def read() -> None:
            os.read(self._reading, 4096)
            came.set()

        loop.add_reader(self._reading, read)
        try:
            while True:
                came.clear()
                await asyncio.wait_for(came.wait(), self._idle)
        except TimeoutError:
            return True
        finally:
            loop.remove_reader(self._reading)


def tell(writing: int) -> None:
    """Tell of calls, as a worker."""
    with suppress(OSError):  # all is about to end
        os.write(writing, b".")
