"""What bytes of jobs say, without reading them again: most jobs are polled several times between two changes."""

from __future__ import annotations

from collections import OrderedDict
from operator import attrgetter

from falmock.engine.jobs.job import Job
from falmock.engine.shared import forms

_JOBS, _SHORT = 2000, 4096
"""Of how many jobs is remembered what their bytes say, and how many bytes that may be."""
_all_of = attrgetter(*forms.FIELDS)
_ANEW = [
    (forms.FIELDS.index(name), value) for name, value in {**forms.NOT_KEPT, "injected": None, "webhook": None}.items()
]
"""The places of the fields that each job of some bytes has anew."""


class KnownJobs:
    """Reads and writes jobs as `forms` does, and remembers those that were read or written last."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, forms.JobValues] = OrderedDict()

    def write(self, job: Job, injected: forms.Drawn | None) -> bytes:
        """The bytes of a job; `injected` stands for its fault."""
        data = forms.job_bytes(job, injected)
        if len(data) <= _SHORT:
            values = list(_all_of(job))
            for place, value in _ANEW:
                values[place] = value
            self._remember(data, forms.JobValues(tuple(values), forms.webhook_of(job), injected))
        return data

    def read(self, data: bytes) -> tuple[Job, forms.Drawn | None]:
        """The job of these bytes, and what stands for its fault. Raises UnknownForm."""
        known = self._known.get(data)
        if known is None:
            known = forms.job_values(data)
            if len(data) <= _SHORT:
                self._remember(data, known)
        return known.job(), known.injected

    def _remember(self, data: bytes, values: forms.JobValues) -> None:
        self._known[data] = values
        if len(self._known) > _JOBS:
            self._known.popitem(last=False)
