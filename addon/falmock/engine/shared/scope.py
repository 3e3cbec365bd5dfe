"""One scope whose state is in a store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

from falmock.engine.additions import ADDED
from falmock.engine.jobs.job import Job
from falmock.engine.scopes import Scope
from falmock.engine.shared import forms
from falmock.engine.shared.counts import SharedCounts
from falmock.engine.shared.counts import SharedFaultCounts
from falmock.engine.shared.current import Current
from falmock.engine.shared.errors import AnswerLost
from falmock.engine.shared.files.registry import SharedAssets
from falmock.engine.shared.jobs import SharedJobs
from falmock.engine.shared.journal import SharedJournal
from falmock.engine.shared.place import Place
from falmock.fixtures.fault import Fault
from falmock.fixtures.format.fault_answer import answer_of
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture

FixtureOf = Callable[[str], Fixture | None]
"""The fixture with a label, of those that this falmock has; None if there is none."""
DigestOf = Callable[[Fixture], str]
"""The digest of the answer of a fixture."""
_REMEMBERED = 1000


class SharedScope(Scope):
    """See Scope. The answers of its jobs are those of fixtures that every falmock of the store has, or are kept beside the jobs."""

    def __init__(
        self,
        current: Current,
        own: Scope,
        fixture_of: FixtureOf,
        digest_of: DigestOf,
        fixtures: Callable[[], Sequence[Fixture]],
    ) -> None:
        """`own` is the scope as this falmock would have it alone; `fixtures` are those that it has now."""
        jobs, redactor = own.jobs, own.redactor
        assets = own.assets
        if not isinstance(assets, SharedAssets):  # the first scope's: all others have them from it
            assets = SharedAssets(current, lambda: self.jobs.ttl, redactor.text)
        super().__init__(jobs.limit, jobs.ttl, redactor, assets, own.name, own.journal.totals)
        self.place = place = Place(current, own.name, jobs.ttl)
        self._fixture_of = fixture_of
        self._digest_of = digest_of
        self._fixtures = fixtures
        self._known: OrderedDict[str, Answer] = OrderedDict()
        self.jobs = SharedJobs(place, jobs.limit, jobs.ttl, self._fault_of, self._keep_with)
        self.calls = self._counts = SharedCounts(place)
        self.faults = SharedFaultCounts(place)
        self.journal = SharedJournal(place, redactor, own.journal.totals, self._endpoint_of)

    def _endpoint_of(self, request_id: str) -> str:
        job = self.jobs.peek(request_id)
        return "" if job is None else job.endpoint

    def _fault_of(self, label: str) -> Fault | None:
        fixture = self._fixture_of(label)
        return None if fixture is None else fixture.fault

    def answer_of(self, job: Job) -> Answer:
        """See Scope. Raises AnswerLost, NotLoaded."""
        if job.failure is not None:
            return answer_of(job.failure, job.app, job.path)
        known = self._at_hand(job)
        if known is not None:
            return known
        kept = self.place.transaction.value(self.place.key("answer", job.answer), forms.answer_of)
        kept = kept or self._under_another_name(job.answer)
        if kept is None:
            raise AnswerLost(
                f"This falmock does not have the fixture {job.fixture} as it answered job {job.request_id}: all falmocks of "
                "a store must have the same fixtures"
            )
        return kept

    def _under_another_name(self, digest: str) -> Answer | None:
        """The answer with this digest, of a fixture whose file has another name here than where the job was made."""
        fixture = next(
            (each for each in self._fixtures() if not each.per_call and self._digest_of(each) == digest), None
        )
        if fixture is None:
            return None
        self.keep_answer(digest, fixture.answer)
        return fixture.answer

    def _at_hand(self, job: Job) -> Answer | None:
        """The answer of a job, if it need not be loaded."""
        known = self._known.get(job.answer)
        if known is not None:
            return known
        fixture = self._fixture_of(job.fixture)
        is_fixtures = fixture is not None and not fixture.per_call and self._digest_of(fixture) == job.answer
        return fixture.answer if fixture is not None and is_fixtures else None

    def load_answers(self, jobs: Iterable[Job]) -> None:
        """See Scope. Raises NotLoaded."""
        lacking = {job.answer for job in jobs if job.failure is None and self._at_hand(job) is None}
        self.place.transaction.load_together(self.place.key("answer", digest) for digest in lacking)

    def keep_answer(self, digest: str, answer: Answer) -> None:
        """See Scope."""
        self._known[digest] = answer
        self._known.move_to_end(digest)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _keep_with(self, job: Job, ttl: float) -> None:
        """Keep the answer of a new job in the store for `ttl` seconds, if it is not that of a fixture on disk.

        Added fixtures may be removed before the job ends.
        """
        answer = self._known.get(job.answer)
        fixture = None if job.fixture.startswith(ADDED) else self._fixture_of(job.fixture)
        is_fixtures = fixture is not None and not fixture.per_call and self._digest_of(fixture) == job.answer
        if job.failure is None and answer is not None and not is_fixtures:
            key = self.place.key("answer", job.answer)
            # Its name is its digest: whoever wrote it before wrote the same.
            self.place.transaction.create(key, forms.answer_bytes(answer), ttl)

    def note_submit(self, request_id: str) -> None:
        """Nothing: the number of the submit in the journal is known when the journal is written."""

    def forget_answers(self) -> None:
        """Nothing: answers end with their time to live."""

    def restart_counts(self, names: Iterable[str]) -> None:
        """See Scope. Raises NotLoaded."""
        self._counts.restart(names)

    def clear(self) -> None:
        """Begin a new generation of this scope. Raises NotLoaded."""
        self.place.reset()
