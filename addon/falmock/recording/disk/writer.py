"""Writes recordings to disk: one file per match, assets by content, each file atomically."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

from falmock.fixtures.disk import git_attributes
from falmock.fixtures.disk.walk import ASSETS
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.model import Fixture
from falmock.recording import comparison
from falmock.recording import document
from falmock.recording.comparison import alike
from falmock.recording.comparison import settled
from falmock.recording.disk import atomic
from falmock.recording.disk.folder import Folder
from falmock.recording.disk.runs import RecordedRun
from falmock.recording.disk.runs import fold
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.response import asset_file
from falmock.recording.uploads import File
from falmock.recording.uploads import url_key
from falmock.recording.values import Entry
from falmock.recording.values import values
from falmock.wire.message import Content


class Written(NamedTuple):
    """The result of a save: the path for messages, and how many answers of this match this run has recorded."""

    path: str
    answers: int


class LostContent(LookupError):
    """The bytes of an asset are not available."""


class Writer:
    """Writes below `root`; `known` are the loaded fixtures: one with the same match is overwritten in its file.

    Not thread-safe. Two processes may share a folder: each file is complete at any time, and of two recordings of one
    match the later one wins.
    """

    def __init__(self, root: str, known: Iterable[Fixture] = ()) -> None:
        self.folder = Folder(root)
        self._runs: dict[str, RecordedRun] = {}
        self._named: dict[str, set[Path]] = {}
        self._wanted: dict[str, str] = {}
        self._linked: dict[str, File] = {}
        self._known_paths: dict[str, Path] = {}
        prefix = self.folder.label + "/"
        for fixture in known:
            if fixture.source.startswith(prefix):
                self._known_paths.setdefault(fixture.group, self.folder.root / fixture.source.removeprefix(prefix))

    def prepare(self) -> None:
        """Check that recordings can be written, and remove leftovers. Raises atomic.NotWritable."""
        atomic.check_writable(self.folder.root)
        atomic.remove_leftovers(self.folder.root)

    def write(self, outcome: Save | Link) -> tuple[Sequence[str], int]:
        """Write a fixture or a file; the paths of the fixture files that changed, and of a fixture how many answers.

        Raises OSError, NotAFixture, LostContent.
        """
        if isinstance(outcome, Save):
            written = self.save(outcome)
            return [written.path], written.answers
        return self.link(outcome), 0

    # fixtures

    def save(self, save: Save) -> Written:
        """Write a fixture.

        Raises OSError, NotAFixture (a fixture that would not load is never written), LostContent.
        """
        named = set(save.urls) | save.links | set(_named_in(document.compared(save.entry["match"])))
        entry = save.entry
        for key in named & self._linked.keys():
            entry = document.linked(entry, self._linked[key])
        rule = document.group_of(entry)
        for content, content_type in save.contents:
            self.keep(content, content_type)
        run = self._insert(rule, entry, save.name, save.asked, is_cut=save.is_cut)
        for key in named - self._linked.keys():
            self._named.setdefault(key, set()).add(run.path)
            if key in save.urls:
                self._wanted.setdefault(key, save.urls[key])
        return Written(self.folder.shown(run.path), len(run.asked))

    def _insert(self, rule: str, entry: Entry, name: str, asked: float, *, is_cut: bool = False) -> RecordedRun:
        """Write an entry among this run's answers of its match, which replace those of former runs."""
        run = self._runs.get(rule)
        path = run.path if run else self._known_paths.get(rule) or self._target(name, entry["match"])
        path, now, rules = self.folder.target(path)
        same = [item for item, found in zip(now["fixtures"], rules, strict=True) if found == rule]
        if run is None:
            run = RecordedRun(path, before=same)
            same = []
        run.path = path
        place = bisect_right(run.asked, asked)
        entry = settled(run.former(place), entry)
        if is_cut:
            entry = comparison.completed(entry, filter(None, (run.former(place), *same)))
        every = same + same[-1:] * run.repeats
        grew = True in run.cut and comparison.complete(every, run.cut, entry)
        if not grew and same and place >= len(same) and alike(same[-1], entry):
            run.repeats += 1
            kept = document.with_urls(same[-1], document.urls_of(entry))
            if kept is not same[-1]:
                self.folder.write(path, document.placed(now, rules, rule, [*same[:-1], kept]))
        else:
            same = every
            same.insert(place, entry)
            if place < len(same) - 1:
                same = [settled(run.former(number), item) for number, item in enumerate(same)]
            repeats = fold(same)
            self.folder.write(path, document.placed(now, rules, rule, same))
            run.repeats = repeats
        run.asked.insert(place, asked)
        run.cut.insert(place, is_cut)
        self._runs[rule] = run
        return run

    def _target(self, name: str, match: dict[str, Any]) -> Path:
        return self.folder.root.joinpath(*document.folder_of(match), document.file_name_of(name, match))

    # assets

    def keep(self, content: Content, content_type: str) -> Path:
        """Store content as an asset under its digest. Raises OSError, LostContent."""
        path = self.folder.root / ASSETS / asset_file(content.sha256, content_type)
        if path.exists():
            git_attributes.protect(path.parent)
            if content.file is not None:
                Path(content.file).unlink(missing_ok=True)
            return path
        if content.data is not None:
            atomic.write_whole(path, content.data)
        elif content.file is not None:
            atomic.adopt(Path(content.file), path)
        else:
            raise LostContent(f"the content sha256:{content.sha256} was not kept")
        git_attributes.protect(path.parent)
        return path

    def wanted(self) -> list[str]:
        """The file URLs in recorded answers whose content is not known yet."""
        return list(self._wanted.values())

    def link(self, link: Link) -> list[str]:
        """Store a file, and replace its URL with its content in earlier and later recordings.

        Returns the fixture files that changed. Raises OSError, NotAFixture, LostContent.
        """
        self.keep(link.content, link.content_type)
        key = url_key(link.url)
        file = File(link.url, link.content.sha256, link.content.size, link.content_type)
        digest = f"sha256:{file.sha256}"
        self._linked[key] = self._linked[digest] = file
        self._wanted.pop(key, None)
        changed: list[str] = []
        for path in sorted(self._named.pop(key, set()) | self._named.pop(digest, set())):
            changed += self._link_in(path, file)
        return changed

    def survey(self, is_file_url: Callable[[str], bool]) -> list[str]:
        """Collect the file URLs in all existing fixtures, recorded or not, and return them."""
        for path in self.folder.files():
            now = self.folder.read(path)
            for entry in now["fixtures"] if now else ():
                for key, url in document.file_urls(entry, is_file_url).items():
                    self._wanted.setdefault(key, url)
                    self._named.setdefault(key, set()).add(path)
                for key in _named_in(document.compared(entry["match"])):
                    self._named.setdefault(key, set()).add(path)
        return self.wanted()

    def _settled(self, rule: str, place: int, entry: Entry) -> Entry:
        """An entry after linking a file: only now can it be compared with the entry of a former run."""
        run = self._runs.get(rule)
        return entry if run is None else settled(run.former(place), entry)

    def _folded(self, now: Entry) -> Entry:
        """The document without this run's answers at the end of their match that only repeat the one before."""
        for rule in set(_rules_of(now)) & self._runs.keys():
            rules = _rules_of(now)
            same = [entry for entry, found in zip(now["fixtures"], rules, strict=True) if found == rule]
            self._runs[rule].repeats += fold(same)
            now = document.placed(now, rules, rule, same)
        return now

    def _link_in(self, path: Path, file: File) -> list[str]:
        now = self.folder.read(path)
        if now is None:
            return []  # somebody removed or broke the file meanwhile: leave it
        moved = self._move(path, now, file)
        now = self.folder.read(path)  # moved entries may be in this same file
        if now is None:
            return []
        kept: list[Entry] = []
        changed = bool(moved)
        places: Counter[str] = Counter()
        for entry, rule in zip(now["fixtures"], _rules_of(now), strict=True):
            if rule in moved:
                continue
            new = document.linked(entry, file) if rule else entry
            changed = changed or new is not entry
            kept.append(new if new is entry else self._settled(rule, places[rule], new))
            places[rule] += 1
        if not changed:
            return []
        if kept:
            self.folder.write(path, self._folded({**now, "fixtures": kept}))
        else:
            self.folder.remove(path)
        return [self.folder.shown(path)]

    def _move(self, path: Path, now: Entry, file: File) -> set[str]:
        """Move this run's entries whose match changes with the file to the files of their new match.

        Returns their old rules.
        """
        moved: set[str] = set()
        places: Counter[str] = Counter()
        for entry, rule in zip(now["fixtures"], _rules_of(now), strict=True):
            new = document.linked(entry, file) if rule in self._runs else entry
            if new is not entry and document.group_of(new) != rule:
                moved.add(rule)
                for asked in self._runs[rule].turns(places[rule]):
                    target = self._insert(document.group_of(new), new, path.stem.rpartition("-")[0], asked).path
                    for key in {*_named_in(document.compared(new["match"])), *_named_in(list(values(new)))}:
                        self._named.get(key, set()).add(target)
            places[rule] += 1
        return moved


def _named_in(value: Any) -> Iterator[str]:
    """The files in a value about which more may become known: keys of URLs, and digests without type and size."""
    if isinstance(value, str):
        if value.startswith(("https://", "http://")):
            yield url_key(value)
    elif isinstance(value, dict) and value.keys() == {FILE}:
        yield str(value[FILE])
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _named_in(item)


def _rules_of(now: Entry) -> list[str]:
    return document.groups(now, "the recording")
