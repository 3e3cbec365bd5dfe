"""The journal of one scope, whose entries are in a log of the store: the same for all falmocks.

They are appended behind the answers, so who reads it first lets all falmocks append what they have (FLUSHED). Secrets are
hidden before they are written. The numbers of entries are those of the log; what was asked is in the order of the times.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from typing import Any
from typing import NamedTuple

from falmock.engine.jobs.job import Job
from falmock.engine.journal import LIMIT
from falmock.engine.journal import WEBHOOK
from falmock.engine.journal import Journal
from falmock.engine.journal import JournalEntry
from falmock.engine.missed_calls import MissedCalls
from falmock.engine.missed_calls import ToldMiss
from falmock.engine.shared.behind import DAY
from falmock.engine.shared.behind import Item
from falmock.engine.shared.entries import entry_bytes
from falmock.engine.shared.entries import entry_of
from falmock.engine.shared.job_calls import JobCalls
from falmock.engine.shared.needs import FLUSHED
from falmock.engine.shared.needs import Bounds
from falmock.engine.shared.needs import Entries
from falmock.engine.shared.place import Place
from falmock.engine.totals import Totals
from falmock.fixtures.matching.miss import Miss
from falmock.redaction.redactor import Redactor
from falmock.wire import calls

_MISSES, _USED = ":misses", ":used"
"""How the logs end that count misses, and that have the labels of fixtures that answered."""
MOST_LABELS = 20_000
"""How many labels of fixtures that answered are kept."""
EndpointOf = Callable[[str], str]
"""The endpoint id of the job with this request id, "" if there is none. Raises NotLoaded."""


class Kept(NamedTuple):
    """An entry that is kept: its number, and the report behind its `miss`."""

    number: int
    entry: JournalEntry
    missed: ToldMiss | None


class SharedJournal(Journal):
    """See Journal. `missed` and `misses`' names are those of the entries that are kept; the number of misses is of all.

    `endpoint_of` finds the jobs that calls are about. What it reads, it reads in the transaction under way.
    """

    hides_at_once = True

    def __init__(  # of the entries in memory there are none
        self, place: Place, redactor: Redactor, totals: Totals, endpoint_of: EndpointOf
    ) -> None:
        self._place = place
        self._endpoint_of = endpoint_of
        self.redactor = redactor
        self.totals = totals
        self._limit = LIMIT
        self._scope = place.scope
        self._ttl = max(place.ttl, DAY)

    def clear(self) -> None:
        """Begin another journal. Raises NotLoaded."""
        self._place.change(journal=self._place.setup.journal + 1)

    # what is written

    def _log(self, part: str = "") -> str:
        """The log of this journal, or a part of it with a log of its own. Raises NotLoaded."""
        places = self._place.transaction.places
        log = places.get(self)
        if log is None:
            begun = self._place.setup.journal
            log = places[self] = self._place.key("journal", str(begun) if begun else "")
        return f"{log}{part}"

    def add(self, entry: JournalEntry, missed: Miss | None = None) -> None:
        """See Journal. The entry is written when the transaction under way is committed; without one, soon."""
        if not self._place.is_deciding:
            self._place.behind.put_unplaced(lambda: self.add(entry, missed))
            return
        transaction = self._place.transaction
        about = None
        if isinstance(entry.call, calls.ABOUT_JOB):
            about = self._endpoint_of(entry.call.request_id)
        elif entry.kind == WEBHOOK:
            about = self._endpoint_of(entry.job)
        log = self._log()
        now = transaction.now  # what waits does not hold the transaction, which holds it
        transaction.later(partial(self._append, log, entry, missed, about, now))

    def _append(self, log: str, entry: JournalEntry, missed: Miss | None, about: str | None, now: float) -> None:
        self._count(entry)
        behind, ttl, redactor, keep = self._place.behind, self._ttl, self.redactor, self._limit
        write = partial(entry_bytes, entry, missed, redactor, about)
        behind.put(Item(log, write, now, keep, ttl, len(entry.body), is_single=True))
        if entry.miss is not None:
            behind.put(Item(log + _MISSES, str.encode, now, keep, ttl, is_single=True))
        if entry.fixture is not None:
            label, used = redactor.value(entry.fixture), log + _USED
            if not behind.was_told(used, label, now):
                data = label.encode("utf-8", "surrogatepass")
                behind.put_once(Item(used, data, now, MOST_LABELS, ttl), label)

    # what is read

    def read_as_it_is(self) -> None:
        """See Journal, in the transaction under way."""
        self._place.transaction.loaded(FLUSHED, found=True)

    def _need(self, needed: Any) -> Any:
        self._place.transaction.need(FLUSHED)
        return self._place.transaction.need(needed)

    def _bounds(self, part: str = "") -> tuple[int, int]:
        """The numbers of the first entry that counts as kept, and of the last one."""
        first, last = self._need(Bounds(self._log(part)))
        return max(first, last - self._limit + 1), last

    def _kept(self) -> list[Kept]:
        """The entries, in the order of their numbers. Raises NotLoaded."""
        first, last = self._bounds()
        return self._read(first - 1, last - first + 1)

    def _read(self, after: int, most: int) -> list[Kept]:
        if most <= 0:
            return []
        found = self._need(Entries(self._log(), after, most))
        return [Kept(number, *self._place.read_once(data, entry_of)) for number, data in found]

    @property
    def total(self) -> int:
        """See Journal. Raises NotLoaded."""
        return self._bounds()[1]

    @property
    def first(self) -> int:
        """See Journal. Raises NotLoaded."""
        return self._bounds()[0]

    @property
    def misses(self) -> int:
        """See Journal. Raises NotLoaded."""
        return self._bounds(_MISSES)[1]

    @property
    def missed(self) -> MissedCalls:
        """See Journal, of the entries that are kept. Raises NotLoaded."""
        missed = MissedCalls()
        for kept in self._in_order():
            if kept.missed is not None:
                missed.add(kept.missed, kept.number, kept.entry)
        return missed

    @property
    def used(self) -> set[str]:
        """See Journal. Raises NotLoaded."""
        found = self._need(Entries(self._log(_USED), 0, MOST_LABELS))
        return {label.decode("utf-8", "surrogatepass") for _, label in found}

    @property
    def begun(self) -> int:
        """See Journal: the same number at all falmocks. Raises NotLoaded."""
        setup = self._place.setup
        return _paired(_paired(setup.epoch, setup.generation), setup.journal)

    def _in_order(self) -> list[Kept]:
        """The entries in the order of their times: those of several falmocks are appended as it comes."""
        return sorted(self._kept(), key=lambda kept: kept.entry.at)

    def numbered(self) -> Iterator[tuple[int, JournalEntry]]:
        """See Journal. Raises NotLoaded."""
        return ((kept.number, kept.entry) for kept in self._in_order())

    def __iter__(self) -> Iterator[JournalEntry]:
        return (kept.entry for kept in self._in_order())

    def __len__(self) -> int:
        first, last = self._bounds()
        return last - first + 1

    def since(self, number: int, most: int) -> list[tuple[int, JournalEntry]]:
        """See Journal. Raises NotLoaded."""
        first, last = self._bounds()
        start = max(number + 1, first)
        return [(kept.number, kept.entry) for kept in self._read(start - 1, min(most, last - start + 1))]

    def get(self, number: int) -> JournalEntry | None:
        """See Journal. Raises NotLoaded."""
        first, last = self._bounds()
        found = self._read(number - 1, 1) if first <= number <= last else []
        return found[0].entry if found else None

    def submit_of(self, job: Job) -> int | None:
        """See Journal. Raises NotLoaded."""
        return self._job_calls().submits.get(job.request_id)

    def looks_of(self, job: Job) -> list[float]:
        """See Journal. Raises NotLoaded."""
        return sorted(self._job_calls().looks.get(job.request_id, ()))

    def _job_calls(self) -> JobCalls:
        first, last = self._bounds()
        found = self._place.job_calls(self._log(), last)
        after = max(found.last, first - 1)
        for kept in self._read(after, last - after):
            found.add(kept.number, kept.entry)
        found.last = last
        return found


def _paired(one: int, other: int) -> int:
    """A number from 1 on for two from 0 on, another for each pair."""
    return (one + other) * (one + other + 1) // 2 + other + 1
