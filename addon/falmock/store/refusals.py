"""Says in plain words why a Redis or Valkey refuses, and what to do."""

from __future__ import annotations

import re
from typing import NamedTuple


class Refusal(NamedTuple):
    """Why the server refuses."""

    reason: str
    elsewhere: bool = False
    """A new connection may reach a server that does not refuse, as after a fail-over."""


_REFUSALS = {
    "OOM": Refusal("is full: give it more memory (maxmemory)"),
    "READONLY": Refusal(
        "is a read-only replica: expected the primary. During a fail-over this ends by itself", elsewhere=True
    ),
    "LOADING": Refusal("still loads its data after a start: this ends by itself", elsewhere=True),
    "MASTERDOWN": Refusal("is a replica without its primary: expected the primary", elsewhere=True),
    "CLUSTERDOWN": Refusal("is a cluster that is down: look at its nodes", elsewhere=True),
    "MOVED": Refusal("is a cluster of several nodes: expected one server"),
    "CROSSSLOT": Refusal("is a cluster of several nodes: expected one server"),
    "NOAUTH": Refusal(
        "wants a password: set FALMOCK_STORE_PASSWORD, or name a file with ?password_file=PATH", elsewhere=True
    ),
    "WRONGPASS": Refusal("refuses the user or the password: expected others", elsewhere=True),
    "NOPERM": Refusal("does not allow its user a command or a key: give the user +@all and the keys with the prefix"),
    "BUSY": Refusal("runs a script that does not end: SCRIPT KILL ends it"),
    "MISCONF": Refusal("cannot save its data to disk, so it refuses writes: look at its disk and its log"),
    "NOREPLICAS": Refusal("refuses writes, because it has too few replicas (min-replicas-to-write)"),
    "WRONGTYPE": Refusal("has other data under a key of falmock's: choose another ?prefix="),
    "DENIED": Refusal("refuses other machines (protected mode): give it a password"),
}
_CODE = re.compile(rf"\b({'|'.join(_REFUSALS)})\b")
# what has no code of its own, or had it removed by the client
_WORDS = {
    "max number of clients reached": Refusal("has too many clients: raise its maxclients", elsewhere=True),
    "invalid username-password pair": _REFUSALS["WRONGPASS"],
    "invalid password": _REFUSALS["WRONGPASS"],
    "without any password configured": Refusal("has no password, but got one: expected a URL without it"),
    "authentication required": _REFUSALS["NOAUTH"],
    # Redis 7 limits the length of commands before the password
    "unauthenticated": _REFUSALS["NOAUTH"],
    "db index is out of range": Refusal("has no database with this number: expected a lower one, such as 0"),
    "unknown command": Refusal("does not know a command: expected Redis 6.2 or newer, or Valkey"),
}
_CLASSES = {
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "BusyLoadingError": "LOADING",
    "MasterDownError": "MASTERDOWN",
    "ClusterDownError": "CLUSTERDOWN",
    "MovedError": "MOVED",
    "AskError": "MOVED",
    "ClusterCrossSlotError": "CROSSSLOT",
    "NoPermissionError": "NOPERM",
}


def refusal(error: BaseException) -> Refusal:
    """What an error that the server answered means. redis-py's class may say it, or the words."""
    text = str(error)
    code = _CLASSES.get(type(error).__name__)
    if code is None and (found := _CODE.search(text)):
        code = found[1]
    if code is not None:
        return _REFUSALS[code]
    lowered = text.lower()
    for words, known in _WORDS.items():
        if words in lowered:
            return known
    first_line = text.partition("\n")[0][:200]
    return Refusal(f"refuses: {first_line}")
