"""What a worker is told by the process that starts it, in an environment variable."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from collections.abc import MutableMapping
from typing import Any
from typing import NamedTuple

from falmock.serving import starter

GO = b"!"
"""What a worker that is held gets through its socket when it may begin."""


class Assignment(NamedTuple):
    """What a worker is to do.

    `parent` is the id of the process that started it, `store` the value of its `fal_store`. It listens at the `addresses` (as
    sockets tell them), where other workers do, too, or on the sockets with the `descriptors`, which are bound.
    `is_first`: it logs what all have in common. `is_held`: it waits until it may begin (see `wait`). It writes to the descriptor `activity` when calls have come; -1 for none.
    """

    number: int
    parent: int
    store: str
    addresses: tuple[tuple[Any, ...], ...] = ()
    descriptors: tuple[int, ...] = ()
    is_first: bool = False
    is_held: bool = False
    activity: int = -1

    @property
    def mark(self) -> str:
        """What its lines begin with."""
        return f"[{self.number}] "

    def wait(self, environ: Mapping[str, str]) -> bool:
        """Wait until the worker may begin; False if it never may. By then it has imported what it needs."""
        try:
            return not self.is_held or os.read(int(environ[starter.READY]), len(GO)) == GO
        except OSError:
            return False

    def as_text(self) -> str:
        """The value of the variable."""
        return json.dumps(self._asdict())


def taken(environ: MutableMapping[str, str]) -> Assignment | None:
    """The assignment of this process, which is removed from its environment; None if it is no worker."""
    text = environ.pop(starter.WORKER, "")
    if not text:
        return None
    value = json.loads(text)
    value["addresses"] = tuple(map(tuple, value["addresses"]))
    return Assignment(**{**value, "descriptors": tuple(value["descriptors"])})
