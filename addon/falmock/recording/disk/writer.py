"""Writes recordings to disk: one file per match, assets by content, each file atomically."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from typing import NamedTuple

from falmock.fixtures.disk import git_attributes
from falmock.fixtures.disk.walk import ASSETS
from falmock.fixtures.model import Fixture
from falmock.recording import document
from falmock.recording.comparison import settled
from falmock.recording.disk import atomic
from falmock.recording.disk.folder import Change
from falmock.recording.disk.folder import Changed
from falmock.recording.disk.folder import Folder
from falmock.recording.disk.runs import RecordedRun
from falmock.recording.disk.runs import fold
from falmock.recording.document import named_by
from falmock.recording.document import named_in
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.outcome import contents_of
from falmock.recording.response import asset_file
from falmock.recording.uploads import File
from falmock.recording.uploads import url_key
from falmock.recording.values import Entry
from falmock.recording.values import values
from falmock.recording.write_ahead.records import Record
from falmock.recording.write_ahead.records import Redact
from falmock.wire.message import Content

MAX_TRIES = 3
"""How often files are read and written again that somebody without the lock changes meanwhile."""


class Written(NamedTuple):
    """What an outcome changed: the paths of fixture files, for messages, and how many answers its match has in this run."""

    paths: Sequence[str]
    answers: int = 0


class LostContent(LookupError):
    """The bytes of an asset are not available."""


class Writer:
    """Writes below `root`; `known` are the loaded fixtures: one with the same match is overwritten in its file.

    Not thread-safe. Processes may share a folder: each reads and replaces files while it holds the folder's lock, and of
    two recordings of one match the later one wins.
    """

    def __init__(self, root: str, known: Iterable[Fixture] = ()) -> None:
        self.folder = Folder(root)
        self._runs: dict[str, RecordedRun] = {}
        self._named: dict[str, set[Path]] = {}
        self._wanted: dict[str, str] = {}
        self._linked: dict[str, File] = {}
        self._known_paths: dict[str, Path] = {}
        self.note_before: Callable[[Record], None] | None = None
        """Is told what of this run is replaced for the first time since the last `state`, in the form of `put_back`."""
        self._noted: set[tuple[Path, str]] = set()
        self._undo: list[Callable[[], object]] = []
        """What takes back the changes to the runs by outcomes that could not be written."""
        prefix = self.folder.label + "/"
        for fixture in known:
            if fixture.source.startswith(prefix):
                self._known_paths.setdefault(fixture.group, self.folder.root / fixture.source.removeprefix(prefix))

    def know_all(self) -> None:
        """Read all fixture files, to overwrite those with the same match in their files."""
        for path in self.folder.files():
            if self.folder.read(path) is not None:
                for rule in self.folder.rules(path):
                    self._known_paths.setdefault(rule, path)

    def write(self, outcomes: Sequence[Save | Link]) -> list[Written | Exception]:
        """Write fixtures and files: what each changed, or why it could not be written.

        That is an OSError, NotAFixture (a fixture that would not load is never written) or LostContent. The others are written.
        """
        if not outcomes:
            return []
        try:
            return list(self._write_together(outcomes))
        except Exception as error:  # noqa: BLE001 - each by itself: those that can be are written
            return [error] if len(outcomes) == 1 else [self._write_alone(outcome) for outcome in outcomes]

    def _write_alone(self, outcome: Save | Link) -> Written | Exception:
        return self.write([outcome])[0]

    def _write_together(self, outcomes: Sequence[Save | Link]) -> list[Written]:
        for outcome in outcomes:
            for content, content_type in contents_of(outcome):
                if content.file is not None:
                    self.keep(content, content_type)  # before the lock: a large file takes long
        for _ in range(MAX_TRIES - 1):
            with contextlib.suppress(Changed):
                return self._try_together(outcomes)
        return self._try_together(outcomes)

    def _try_together(self, outcomes: Sequence[Save | Link]) -> list[Written]:
        try:
            with self.folder.changes(self._note_before if self.note_before else None):
                return [
                    self._save(outcome) if isinstance(outcome, Save) else self._link(outcome) for outcome in outcomes
                ]
        except BaseException:
            while self._undo:
                self._undo.pop()()
            raise
        finally:
            self._undo.clear()

    # fixtures

    def _save(self, save: Save) -> Written:
        named = named_by(save)
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
        return Written([self.folder.shown(run.path)], len(run.asked))

    def _insert(self, rule: str, entry: Entry, name: str, asked: float, *, is_cut: bool = False) -> RecordedRun:
        """Write an entry among this run's answers of its match, which replace those of former runs."""
        run = self._runs.get(rule)
        path = run.path if run else self._known_paths.get(rule) or self._target(name, entry["match"])
        path, now, rules = self.folder.target(path)
        same = [item for item, found in zip(now["fixtures"], rules, strict=True) if found == rule]
        if run is None:
            run = self._runs[rule] = RecordedRun(path, before=same)
            self._undo.append(partial(self._runs.pop, rule))
            same = []
        self._undo.append(run.taking_back(run.place_of(asked)))
        run.path = path
        new = run.insert(same, entry, asked, is_cut=is_cut)
        if new is not same:
            self._put(path, now, rules, rule, new)
        return run

    def _put(self, path: Path, now: Entry, rules: Sequence[str], rule: str, entries: Sequence[Entry]) -> None:
        new = document.placed_rules(rules, rule, len(entries))
        self.folder.write(path, document.placed(now, rules, rule, entries), new)

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

    def _link(self, link: Link) -> Written:
        """Store a file, and replace its URL with its content in earlier and later recordings."""
        self.keep(link.content, link.content_type)
        key = url_key(link.url)
        file = File(key, link.content.sha256, link.content.size, link.content_type)
        digest = f"sha256:{file.sha256}"
        self._linked[key] = self._linked[digest] = file
        self._wanted.pop(key, None)
        changed: list[str] = []
        named = {name: self._named.pop(name) for name in (key, digest) if name in self._named}
        self._undo.append(partial(self._named.update, named))
        for path in sorted(set().union(*named.values())):
            changed += self._link_in(path, file)
        return Written(changed)

    def survey(self, is_file_url: Callable[[str], bool]) -> list[str]:
        """Collect the file URLs in all existing fixtures, recorded or not, and return them."""
        for path in self.folder.files():
            now = self.folder.read(path)
            for entry in now["fixtures"] if now else ():
                for key, url in document.file_urls(entry, is_file_url).items():
                    self._wanted.setdefault(key, url)
                    self._named.setdefault(key, set()).add(path)
                for key in named_in(document.compared(entry["match"])):
                    self._named.setdefault(key, set()).add(path)
        return self.wanted()

    # the log

    def state(self, redact: Redact) -> Record:
        """What `restore` needs, so that another process goes on with this run from here, without secrets."""
        self._noted.clear()
        runs = {rule: [self._name(run.path), run.asked, run.cut, run.repeats] for rule, run in self._runs.items()}
        files = [(redact(key), file._replace(url=redact(file.url))) for key, file in self._linked.items()]
        named = {redact(key): sorted(map(self._name, paths)) for key, paths in self._named.items()}
        return {"state": {"runs": runs, "files": files, "named": named}}

    def restore(self, state: Record) -> None:
        """Go on with the run that had this state."""
        for rule, (path, asked, cut, repeats) in state.get("runs", {}).items():
            self._runs[rule] = RecordedRun(self.folder.root / path, [], asked, cut, repeats)
        self._linked |= {key: File(*file) for key, file in state.get("files", ())}
        self._named |= {
            key: {self.folder.root / path for path in paths} for key, paths in state.get("named", {}).items()
        }

    def put_back(self, before: Sequence[Sequence[Any]]) -> None:
        """Undo what the run wrote after its state. Raises OSError, NotAFixture."""
        if not before:
            return
        with self.folder.changes():
            for name, rule, entries in before:
                path, now, rules = self.folder.target(self.folder.root / name)
                if rule in rules or entries:
                    self._put(path, now, rules, rule, entries)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder.root).as_posix()

    def _note_before(self, changes: Iterable[Change]) -> None:
        new = [change for change in changes if change.rule in self._runs and change[:2] not in self._noted]
        if new and self.note_before is not None:
            self.note_before({"before": [[self._name(path), rule, entries] for path, rule, entries in new]})
            self._noted |= {change[:2] for change in new}

    def _settled(self, rule: str, place: int, entry: Entry) -> Entry:
        """An entry after linking a file: only now can it be compared with the entry of a former run."""
        run = self._runs.get(rule)
        return entry if run is None else settled(run.former(place), entry)

    def _folded(self, now: Entry) -> tuple[Entry, list[str]]:
        """The document without this run's answers at the end of their match that only repeat the one before, and its rules."""
        rules = document.groups(now, "the recording")
        for rule in set(rules) & self._runs.keys():
            same = [entry for entry, found in zip(now["fixtures"], rules, strict=True) if found == rule]
            run = self._runs[rule]
            self._undo.append(run.taking_back(0))
            run.repeats += fold(same)
            now, rules = document.placed(now, rules, rule, same), document.placed_rules(rules, rule, len(same))
        return now, rules

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
        for entry, rule in zip(now["fixtures"], self.folder.rules(path), strict=True):
            if rule in moved:
                continue
            new = document.linked(entry, file) if rule else entry
            changed = changed or new is not entry
            kept.append(new if new is entry else self._settled(rule, places[rule], new))
            places[rule] += 1
        if not changed:
            return []
        if kept:
            self.folder.write(path, *self._folded({**now, "fixtures": kept}))
        else:
            self.folder.remove(path)
        return [self.folder.shown(path)]

    def _move(self, path: Path, now: Entry, file: File) -> set[str]:
        """Move this run's entries whose match changes with the file to the files of their new match.

        Returns their old rules.
        """
        moved: set[str] = set()
        places: Counter[str] = Counter()
        for entry, rule in zip(now["fixtures"], self.folder.rules(path), strict=True):
            new = document.linked(entry, file) if rule in self._runs else entry
            if new is not entry and document.group_of(new) != rule:
                moved.add(rule)
                for asked in self._runs[rule].turns(places[rule]):
                    target = self._insert(document.group_of(new), new, path.stem.rpartition("-")[0], asked).path
                    for key in {*named_in(document.compared(new["match"])), *named_in(list(values(new)))}:
                        self._named.get(key, set()).add(target)
            places[rule] += 1
        return moved
