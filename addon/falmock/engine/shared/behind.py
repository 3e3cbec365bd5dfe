"""What is appended to the logs of a store behind the answers: it waits here until the edge takes it.

Nothing is lost while the store is away, up to a limit: then the oldest is dropped, and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

from falmock.engine.journal import BODIES

MOST = 10_000
"""How many items wait at most, and how many bytes of bodies (see BODIES)."""
DAY = 24 * 3600.0
"""How long (seconds) a log is kept after the last item at least."""
_TOLD = 100_000


class Behind:
    """The items that wait, the oldest first. `wake` is called when there is a new one, and `enough` of them."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.enough = 1
        self.dropped = 0
        """How many items were dropped for want of room."""
        self._items: deque[Item] = deque()
        self._size = 0
        self._told: dict[tuple[str, str], Item] = {}
        self._unplaced: deque[Callable[[], None]] = deque(maxlen=MOST)

    def __len__(self) -> int:
        return len(self._items) + len(self._unplaced)

    @property
    def since(self) -> float | None:
        """When the oldest item came, in seconds since the epoch; None if none waits."""
        return self._items[0].at if self._items else None

    def put(self, item: Item) -> None:
        """Add an item."""
        items = self._items
        items.append(item)
        self._size += item.size
        while len(items) > MOST or self._size > BODIES:
            self._size -= items.popleft().size
            self.dropped += 1
            self._told.clear()  # it may have been among the dropped
        if len(items) >= self.enough:
            self.wake()

    def put_unplaced(self, add: Callable[[], None]) -> None:
        """Have `add` called in a transaction, as it does not know its log without one."""
        self.dropped += len(self._unplaced) == MOST
        self._unplaced.append(add)
        self.wake()

    def place(self) -> Callable[[], None]:
        """Call what waits for a transaction, in the one under way. Returns what to call after it. Raises NotLoaded."""
        waiting = tuple(self._unplaced)
        for add in waiting:
            add()

        def placed() -> None:
            for add in waiting:
                if self._unplaced and self._unplaced[0] is add:
                    self._unplaced.popleft()

        return placed

    @property
    def has_unplaced(self) -> bool:
        """Whether anything waits for a transaction."""
        return bool(self._unplaced)

    def was_told(self, log: str, name: str, now: float) -> bool:
        """Whether an item with this name was added to a log by `put_once` not long before `now`."""
        told = self._told.get((log, name))
        return told is not None and now - told.at < told.ttl / 2

    def put_once(self, item: Item, name: str) -> None:
        """Add an item that says the same as another of its log with this name, unless that was added not long ago."""
        if self.was_told(item.log, name, item.at):
            return
        if len(self._told) >= _TOLD:
            self._told.clear()
        self._told[item.log, name] = item
        self.put(item)

    def say_again(self) -> None:
        """Add all again that was said once: the store has lost it."""
        for item in list(self._told.values()):
            self.put(item)

    def first(self, most: int) -> list[Item]:
        """The items that waited longest, at most `most`; they stay until they are `done`."""
        return list(islice(self._items, most))

    def done(self, items: list[Item]) -> None:
        """These are written, or need not be."""
        waiting = self._items
        for item in items:
            if waiting and waiting[0] is item:  # else it was dropped meanwhile
                self._size -= waiting.popleft().size


class Item:
    """An entry for a log: bytes, or what returns them, given a name that no other entry has; it is called once.

    `keep` is how many entries of the log are kept, `ttl` how long (seconds), `at` when it came (seconds since the epoch),
    `size` how many bytes it holds, about. `is_single`: it must not be there twice.
    """

    __slots__ = ("_write", "at", "is_single", "keep", "log", "made", "size", "ttl")

    def __init__(
        self,
        log: str,
        write: Callable[[str], bytes] | bytes,
        at: float,
        keep: int,
        ttl: float,
        size: int = 0,
        *,
        is_single: bool = False,
    ) -> None:
        self.log = log
        self.at = at
        self.keep = keep
        self.ttl = ttl
        self.size = size
        self.is_single = is_single
        self._write = write
        self.made: bytes | None = write if isinstance(write, bytes) else None
        """The bytes, if they were made."""

    def data(self, name: Callable[[], str]) -> bytes:
        """The bytes; `name` makes a name that no other entry has."""
        if self.made is None:
            self.made = self._write if isinstance(self._write, bytes) else self._write(name())
        return self.made
