"""What a worker is told by the process that starts it, in an environment variable."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any
from typing import NamedTuple

from falmock.serving import starter


class Assignment(NamedTuple):
    """What a worker is to do.

    `parent` is the id of the process that started it, `store` the value of its `fal_store`. It listens at the `addresses` (as
    sockets tell them), where other workers do, too, or on the sockets with the `descriptors`, which are bound.
    `is_first`: it logs what all have in common. It writes to the descriptor `activity` when calls have come; -1 for none.
    """

    number: int
    parent: int
    store: str
    addresses: tuple[tuple[Any, ...], ...] = ()
    descriptors: tuple[int, ...] = ()
    is_first: bool = False
    activity: int = -1

    @property
    def mark(self) -> str:
        """What its lines begin with."""
        return f"[{self.number}] "

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
