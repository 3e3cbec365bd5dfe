"""The log of a job, put together from what polls and streams showed of it.

A poll shows the log so far, or only its latest entries: a window that slides. An event of a status stream shows the
entries that are new (PROTOCOL.md sections 3.2 and 3.3), so all events of a stream together are one window. An entry has
no id: it is known by its time, its message, and its place among entries that are equal in both.
"""

from __future__ import annotations

from collections import Counter
from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import Any
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LEVELS = frozenset({"STDERR", "STDOUT", "ERROR", "INFO", "WARN", "DEBUG"})
_ZONE, _RAW_ZONE = "+00:00", ""
"""The default of `logZone` in a fixture, without and with `rawLogs`."""


class LogLine(NamedTuple):
    """A log entry that was first shown at `latest`, and not yet at `earliest` (seconds since the epoch, by our clock).

    `written` is the time in the entry (microseconds since the epoch, by fal's clock); None if it cannot be read.
    """

    entry: Mapping[str, Any]
    written: int | None
    earliest: float
    latest: float

    @property
    def key(self) -> tuple[Any, Any]:
        """What tells it from other entries."""
        return str(self.entry.get("timestamp")) if self.written is None else self.written, self.entry["message"]


def lines_of(logs: Any, earliest: float, at: float) -> list[LogLine]:
    """The entries in the `logs` of a status that arrived at `at`; what is no entry is left out."""
    return [
        LogLine(entry, _written(entry), min(earliest, at), at)
        for entry in (logs if isinstance(logs, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("message"), str)
    ]


def _written(entry: Mapping[str, Any]) -> int | None:
    try:
        at = datetime.fromisoformat(entry.get("timestamp", ""))
    except (TypeError, ValueError):
        return None
    # In whole microseconds: a sum of floats would change the last digit.
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


class LogLines:
    """The log as far as it is known, oldest entry first."""

    def __init__(self) -> None:
        self._lines: list[LogLine] = []
        self._keys: list[tuple[Any, Any]] = []
        self._counts: Counter[tuple[Any, Any]] = Counter()

    def add(self, window: Sequence[LogLine]) -> None:
        """Add what a window shows beside the known entries: the entries in it follow one another in the log."""
        keys = [line.key for line in window]
        shared = _overlap(self._keys, keys)
        if not self._keys or (shared and not self._are_known(window[shared:], keys)):
            self._insert(len(self._keys), window[shared:], keys[shared:])
        else:
            self._merge(window, keys)

    def _are_known(self, lines: Sequence[LogLine], keys: Sequence[tuple[Any, Any]]) -> bool:
        """Whether some of these lines of a window with these keys are known: their times say so, so they do not follow."""
        timed = [line.key for line in lines if line.written is not None and line.key in self._counts]
        return any(self._counts[key] >= keys.count(key) for key in timed)

    def _merge(self, window: Sequence[LogLine], keys: Sequence[tuple[Any, Any]]) -> None:
        """Add a window that does not begin with the last known entries: it is older, begins earlier, or fills a gap."""
        known = {key: place for place, key in enumerate(_numbered(self._keys))}
        places = [known.get(key) for key in _numbered(keys)]
        first = next((place for place in places if place is not None), None)
        after = self._place_of(window) if first is None else first  # new entries go before this one
        inserted: defaultdict[int, list[int]] = defaultdict(list)
        for number, place in enumerate(places):
            if place is None:
                inserted[after].append(number)
            else:
                after = max(after, place + 1)
        for place in sorted(inserted, reverse=True):
            numbers = inserted[place]
            self._insert(place, [window[number] for number in numbers], [keys[number] for number in numbers])

    def _place_of(self, window: Sequence[LogLine]) -> int:
        """Where a window belongs of which no entry is known: by its time, else at the end."""
        begins = window[0].written if window else None
        for place, line in enumerate(self._lines):
            if begins is not None and line.written is not None and line.written > begins:
                return place
        return len(self._lines)

    def _insert(self, place: int, lines: Sequence[LogLine], keys: Sequence[tuple[Any, Any]]) -> None:
        self._lines[place:place] = lines
        self._keys[place:place] = keys
        self._counts.update(keys)

    def queue(self, submitted: float) -> dict[str, Any]:
        """The keys of the log in the `queue` of a fixture; empty if nothing was logged.

        `submitted` is when the job was submitted (seconds since the epoch). The times in the entries stay apart to the
        digit: all are moved alike, and only if our clock and fal's disagree.
        """
        if not self._lines:
            return {}
        raw = not all(map(_is_full, self._lines))
        stamps = [str(line.entry["timestamp"]) for line in self._lines if line.written is not None]
        zone = _zone_of(stamps[0]) if stamps else None
        queue: dict[str, Any] = {"rawLogs": True} if raw else {}
        if zone is not None and zone != (_RAW_ZONE if raw else _ZONE):
            queue["logZone"] = zone
        shape = _raw if raw else _full
        times = self._times(submitted)
        return queue | {"logs": [{"at": at} | shape(line.entry) for at, line in zip(times, self._lines, strict=True)]}

    def _times(self, submitted: float) -> Iterator[float]:
        """When each entry was written, in seconds after the submit; without a time of its own, when it was shown."""
        skew, at = self._skew(submitted) - _micros(submitted), 0.0
        for line in self._lines:
            if line.written is None:
                at = max(round(line.latest - submitted, 2), at)
            else:
                at = max(line.written + skew, 0) / 1e6
            yield at

    def _skew(self, submitted: float) -> int:
        """What to add to the times in entries (microseconds), so that each was written before it was shown."""
        timed = [(line, line.written) for line in self._lines if line.written is not None]
        if not timed:
            return 0
        most = min(_micros(line.latest) - written for line, written in timed)
        least = max(_micros(line.earliest) - written for line, written in timed)
        if least > most:  # fal may show an entry late: what is sure is that none was written before the submit
            sure = [_micros(submitted) - written for _, written in timed]
            least = max((skew for skew in sure if skew <= most), default=most)
        return min(max(0, least), most)


def _numbered(keys: Sequence[tuple[Any, Any]]) -> list[tuple[Any, int]]:
    """Each key, and how often it came before."""
    seen: Counter[Any] = Counter()
    result = []
    for key in keys:
        result.append((key, seen[key]))
        seen[key] += 1
    return result


def _overlap(known: Sequence[Any], window: Sequence[Any]) -> int:
    """With how many of the last known keys a window begins, at most.

    This is the prefix function of Knuth, Morris and Pratt: polls repeat long logs many times.
    """
    text = [*window, None, *known[max(0, len(known) - len(window)) :]]
    borders = [0] * len(text)
    for place in range(1, len(text)):
        length = borders[place - 1]
        while length and text[place] != text[length]:
            length = borders[length - 1]
        borders[place] = length + (text[place] == text[length])
    return borders[-1]


def _micros(at: float) -> int:
    return round(at * 1e6)


def _zone_of(timestamp: str) -> str:
    """The end of a time, as `logZone` has it; other zones than UTC are written in UTC."""
    if timestamp.endswith("Z"):
        return "Z"
    return _RAW_ZONE if datetime.fromisoformat(timestamp).tzinfo is None else _ZONE


def _labels(entry: Mapping[str, Any]) -> dict[str, Any]:
    labels = entry.get("labels")
    return labels if isinstance(labels, dict) else {}


def _is_full(line: LogLine) -> bool:
    """Whether an entry has a level and a source; some have them in `labels` (PROTOCOL.md section 3.2)."""
    named = {**_labels(line.entry), **line.entry}
    return "level" in named and "source" in named


def _full(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a fixture from an entry with level and source."""
    labels = _labels(entry)
    log: dict[str, Any] = {"message": entry["message"]}
    level, source = entry.get("level", labels.get("level")), entry.get("source", labels.get("source"))
    if level in _LEVELS and level != "INFO":
        log["level"] = level
    if isinstance(source, str) and source != "USER":
        log["source"] = source
    others = {key: value for key, value in labels.items() if key not in ("level", "source")}
    return log | ({"labels": others} if others else {})


def _raw(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a fixture with `rawLogs`."""
    log: dict[str, Any] = {"message": entry["message"]}
    if entry.get("level") in _LEVELS:
        log["level"] = entry["level"]
    if isinstance(entry.get("source"), str):
        log["source"] = entry["source"]
    labels = entry.get("labels")
    if labels != {}:
        log["labels"] = labels if isinstance(labels, dict) else None
    return log
