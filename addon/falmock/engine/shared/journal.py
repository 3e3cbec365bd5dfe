"""The journal of one scope, whose entries are appended to a log of the store behind the answers."""

from __future__ import annotations

from falmock.engine.journal import Journal
from falmock.engine.journal import JournalEntry
from falmock.engine.shared.place import Place
from falmock.engine.totals import Totals
from falmock.fixtures.matching.miss import Miss
from falmock.redaction.redactor import Redactor


class SharedJournal(Journal):
    """See Journal."""

    def __init__(self, place: Place, redactor: Redactor, totals: Totals) -> None:
        super().__init__(redactor, totals=totals, scope=place.scope)
        self._place = place

    def add(self, entry: JournalEntry, missed: Miss | None = None) -> None:
        """See Journal. Within a transaction, the entry is there when that is committed."""
        if self._place.is_deciding:
            add = super().add
            self._place.transaction.later(lambda: add(entry, missed))
        else:
            super().add(entry, missed)
