"""When a process that ended is started again. Each process has its own record."""

from __future__ import annotations

import signal

STABLE = 10.0
"""A process that was ready for so long (seconds) did not die of its start: what was before is forgotten."""
PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""How long (seconds) to wait before each restart of a process that dies again and again. After the last it is given up."""


class Restarts:
    """The restarts of one process."""

    def __init__(self) -> None:
        self._count = 0

    def ended(self, ran: float) -> float | None:
        """How many seconds to wait before it is started again; None for never. `ran` is how long it was ready (seconds)."""
        if ran >= STABLE:
            self._count = 0
        if self._count == len(PAUSES):
            return None
        self._count += 1
        return PAUSES[self._count - 1]


def how(code: int) -> str:
    """How a process ended that has this exit code, which is negative after a signal, as in "by SIGKILL"."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def restarted(name: str, code: int, pause: float) -> str:
    """The line about a process that is started again."""
    return f"{name} ended {how(code)}: it is started again{f' in {pause:g} s' if pause else ''}"


def given_up(name: str, code: int) -> str:
    """The line about a process that is not started again."""
    return (
        f"{name} ended {how(code)}, {len(PAUSES) + 1} times in a row within {STABLE:g} s of being ready: falmock ends. "
        "What it logged is above"
    )
