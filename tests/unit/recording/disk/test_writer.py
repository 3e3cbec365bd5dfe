from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.disk.walk import ASSETS
from falmock.recording.disk import atomic
from falmock.recording.disk.writer import LostContent
from falmock.recording.disk.writer import Writer
from falmock.recording.disk.writer import Written
from falmock.recording.document import NotAFixture
from falmock.recording.files import FileUrls
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.uploads import url_key
from falmock.wire.hosts import Hosts
from falmock.wire.message import Content
from falmock.wire.message import content_of
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import sha256

DOG = "https://v3b.fal.media/files/b/0a1b2c3d/xVYyA5s8Xo0qTzNw3pLr_dog.png"
BY_CONTENT = {"$file": f"sha256:{sha256(PNG)}", "type": "image/png", "size": 72}
SERVED = {"$file": f"sha256:{sha256(PNG)}", "name": "cat.png"}


def entry(value: Any = None, answer: Any = 1, at: str = "today", **queue: Any) -> dict[str, Any]:
    """A recording of a call to a/b with this input; `queue` is its timeline."""
    timed = {"queue": queue} if queue else {}
    match = {"model": "a/b", "input": {} if value is None else value, "exact": True}
    return {"match": match, "response": {"json": answer}, **timed, "recorded": {"at": at}}


def written(writer: Writer, outcome: Save | Link) -> Written:
    """Write an outcome; raises why it could not be written."""
    (done,) = writer.write([outcome])
    if isinstance(done, Exception):
        raise done
    return done


class Folder:
    """A folder to which several runs record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run()

    def run(self) -> None:
        """Begin a new run: existing fixtures are loaded."""
        known = FixtureLoader([str(self.path)]).load().index.fixtures if self.path.exists() else ()
        self.writer = Writer(str(self.path), known)
        self._clock = 0.0

    def save(self, value: Any = None, answer: Any = 1, asked: float | None = None, **queue: Any) -> str:
        """Record a call; returns its file. Calls are made one after the other unless `asked` gives the time."""
        self._clock += 1
        made = entry(value, answer, f"{self._clock}", **queue)
        urls = {url_key(url): url for url in _urls(answer)}
        saved = Save(made, "a-cat", "the run of a/b", self._clock if asked is None else asked, urls)
        return written(self.writer, saved).paths[0].removeprefix(f"{self.path}/")

    def link(self, url: str = CAT, content: bytes = PNG) -> list[str]:
        changed = written(self.writer, Link(url, content_of(content), "image/png")).paths
        return [path.removeprefix(f"{self.path}/") for path in changed]

    @property
    def names(self) -> list[str]:
        files = (path for path in self.path.rglob("*") if path.is_file() and path.name != ".gitattributes")
        return sorted(path.relative_to(self.path).as_posix() for path in files)

    def read(self, name: str) -> list[dict[str, Any]]:
        return list(json.loads((self.path / name).read_bytes())["fixtures"])

    def answers(self, name: str) -> list[Any]:
        return [one["response"]["json"] for one in self.read(name)]

    def put(self, name: str, *entries: Any) -> None:
        """A file that somebody wrote by hand."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(json.dumps({"fixtures": entries}))


def _urls(answer: Any) -> list[str]:
    return [value for value in answer.values() if str(value).startswith("https://")] if isinstance(answer, dict) else []


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "fixtures")


# one run


def test_a_match_has_a_file_that_loads(folder: Folder) -> None:
    name = folder.save({"prompt": "a cat"})
    assert name.startswith("a/b/a-cat-")
    assert folder.names == [name]
    assert folder.read(name) == [entry({"prompt": "a cat"}, at="1.0")]
    assert len(FixtureLoader([str(folder.path)]).load().index.fixtures) == 1


def test_another_input_is_another_file(folder: Folder) -> None:
    assert folder.save({"n": 1}) != folder.save({"n": 2})
    assert len(folder.names) == 2


def test_the_same_input_again_makes_a_sequence(folder: Folder) -> None:
    (name,) = {folder.save(answer=answer) for answer in (1, 2, 3)}
    assert folder.answers(name) == [1, 2, 3]


def test_answers_at_the_end_that_repeat_are_told_once(folder: Folder) -> None:
    (name,) = {folder.save(answer=answer) for answer in (1, 1, 2, 2, 2)}
    assert folder.answers(name) == [1, 1, 2]
    folder.save(answer=3)
    assert folder.answers(name) == [1, 1, 2, 2, 2, 3]


def test_how_many_answers_there_are_is_told(folder: Folder) -> None:
    told = [written(folder.writer, Save(entry(answer=answer), "x", "x", 0.0, {})).answers for answer in (1, 1, 2)]
    assert told == [1, 2, 3]


def test_answers_take_turns_as_the_calls_were_made(folder: Folder) -> None:
    """A job that is fetched first was not always submitted first."""
    (name,) = {folder.save(answer=answer, asked=asked) for answer, asked in ((2, 2), (1, 1), (4, 4), (3, 3))}
    assert folder.answers(name) == [1, 2, 3, 4]


@given(st.permutations([(number, number // 3) for number in range(8)]))
def test_answers_are_in_order_in_whatever_order_they_come(calls: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Folder(Path(temporary))
        (name,) = {folder.save(answer=answer, asked=asked) for asked, answer in calls}
        assert folder.answers(name) == [0, 0, 0, 1, 1, 1, 2]  # the last repeats


# a later run


def test_a_later_run_rewrites(folder: Folder) -> None:
    for answer in (1, 2, 3):
        name = folder.save(answer=answer)
    folder.run()
    assert folder.save(answer=7) == name
    assert folder.answers(name) == [7]
    folder.save(answer=8)
    assert folder.answers(name) == [7, 8]


def test_a_timeline_that_tells_the_same_is_left_as_it_was(folder: Folder) -> None:
    name = folder.save(started=1.0, completed=2.0)
    folder.save(answer=2, started=5.0, completed=6.0)
    folder.run()
    folder.save(started=1.25, completed=2.5)
    folder.save(answer=2, started=1.0, completed=60.0)
    assert [one["queue"] for one in folder.read(name)] == [
        {"started": 1.0, "completed": 2.0},
        {"started": 1.0, "completed": 60.0},
    ]


def test_timelines_are_settled_with_the_answer_that_has_their_turn(folder: Folder) -> None:
    name = folder.save(answer=1, started=1.0)
    folder.save(answer=2, started=5.0)
    before = folder.read(name)
    folder.run()
    folder.save(answer=2, started=5.25, asked=9)
    folder.save(answer=1, started=1.25, asked=8)
    assert [one["queue"] for one in folder.read(name)] == [one["queue"] for one in before]


def test_recording_the_same_again_leaves_the_bytes_but_for_the_date(folder: Folder) -> None:
    def record() -> dict[str, bytes]:
        for value, answer in (({"n": 1}, {"url": CAT}), ({"n": 1}, 2), ({"image_url": CAT}, 3), ({"n": 1}, 2)):
            folder.save(value, answer)
        folder.link()
        return {name: (folder.path / name).read_bytes() for name in folder.names}

    before = record()
    folder.run()
    assert record() == before


# files that people touch


def test_a_fixture_that_was_moved_is_rewritten_where_it_is(folder: Folder) -> None:
    name = folder.save({"n": 1})
    folder.put("mine/all.json", entry({"n": 0}), entry({"n": 1}, "old"), entry({"n": 2}))
    (folder.path / name).unlink()
    folder.run()
    assert folder.save({"n": 1}, "new") == "mine/all.json"
    assert folder.answers("mine/all.json") == [1, "new", 1]


def test_what_else_is_in_a_file_stays(folder: Folder) -> None:
    name = folder.save({"n": 1})
    others = {"match": {"endpoint": "chat"}, "response": {"content": "hi"}}
    (folder.path / name).write_text(
        json.dumps({"_note": "mine", "fixtures": [others, entry({"n": 1}), entry({"n": 2})]})
    )
    folder.save({"n": 1}, 2)
    content = json.loads((folder.path / name).read_bytes())
    assert content["_note"] == "mine"
    assert content["fixtures"][0] == others
    assert folder.read(name)[3] == entry({"n": 2})


@pytest.mark.parametrize("broken", [b"", b"{", b'{"fixtures": [{"match": {}}]}', b'{"fixtures": {}}', b"\xff"])
def test_a_broken_file_in_the_way_is_left_alone(folder: Folder, broken: bytes) -> None:
    name = folder.save()
    (folder.path / name).write_bytes(broken)
    spare = folder.save(answer=2)
    assert spare == name.replace(".json", "-1.json")
    assert (folder.path / name).read_bytes() == broken
    assert folder.answers(spare) == [2]


def test_a_file_that_was_removed_meanwhile_is_written_again(folder: Folder) -> None:
    name = folder.save(answer=1)
    (folder.path / name).unlink()
    folder.save(answer=2)
    assert folder.answers(name) == [2]


def test_a_fixture_that_would_not_load_is_never_written(folder: Folder) -> None:
    with pytest.raises(NotAFixture, match=r"queue\.completed: expected at least started"):
        folder.save(started=2, completed=1)
    assert folder.names == []


# assets


def test_an_asset_is_kept_by_its_content(folder: Folder) -> None:
    for _ in range(2):
        folder.writer.keep(content_of(PNG), "image/png")
    assert folder.names == [f"{ASSETS}/{sha256(PNG)}.png"]
    assert (folder.path / folder.names[0]).read_bytes() == PNG


def test_git_does_not_change_what_is_kept(folder: Folder) -> None:
    folder.writer.keep(content_of(b"a\n"), "text/plain")
    attributes = folder.path / ASSETS / ".gitattributes"
    assert attributes.read_text() == "* -text\n"
    attributes.write_text("*.txt text\n")
    folder.writer.keep(content_of(b"b\n"), "text/plain")
    assert attributes.read_text() == "*.txt text\n"
    attributes.unlink()
    folder.writer.keep(content_of(b"b\n"), "text/plain")  # it was there before
    assert attributes.read_text() == "* -text\n"


def test_a_file_that_was_spooled_becomes_the_asset(folder: Folder) -> None:
    for _ in range(2):
        spooled = atomic.temporary(folder.path)
        folder.path.mkdir(exist_ok=True)
        spooled.write_bytes(PNG)
        folder.writer.keep(Content(sha256(PNG), len(PNG), file=str(spooled)), "image/png")
        assert folder.names == [f"{ASSETS}/{sha256(PNG)}.png"]


def test_content_that_nobody_kept_is_told(folder: Folder) -> None:
    with pytest.raises(LostContent, match=sha256(PNG)):
        folder.writer.keep(Content(sha256(PNG), len(PNG)), "image/png")


def test_the_assets_of_a_fixture_are_there_before_it(folder: Folder) -> None:
    made = entry() | {"response": {"file": f"sha256:{sha256(PNG)}"}}
    written(folder.writer, Save(made, "x", "x", 0.0, {}, ((content_of(PNG), "image/png"),)))
    assert len(FixtureLoader([str(folder.path)]).load().index.assets) == 1
    with pytest.raises(LostContent):
        written(folder.writer, Save(entry({"n": 2}), "x", "x", 0.0, {}, ((Content("0" * 64, 1), ""),)))
    assert len(folder.names) == 2


# files by content


def test_a_file_takes_the_place_of_its_url_in_what_was_recorded(folder: Folder) -> None:
    name = folder.save(answer={"url": f"{CAT}?identity=1"})
    assert folder.writer.wanted() == [f"{CAT}?identity=1"]
    assert folder.link() == [name]
    assert folder.answers(name) == [{"url": SERVED}]
    assert folder.writer.wanted() == []
    assert f"{ASSETS}/{sha256(PNG)}.png" in folder.names


def test_a_file_takes_the_place_of_its_url_in_what_will_be_recorded(folder: Folder) -> None:
    assert folder.link() == []
    name = folder.save({"image_url": CAT}, {"url": CAT})
    assert folder.read(name)[0]["match"]["input"] == {"image_url": BY_CONTENT}
    assert folder.answers(name) == [{"url": SERVED}]
    assert folder.writer.wanted() == []


def test_a_chains_fixture_moves_to_where_its_content_belongs(folder: Folder) -> None:
    first = folder.save({"n": 1}, {"url": CAT})
    by_url = folder.save({"image_url": CAT}, 1)
    folder.save({"image_url": CAT}, 2)
    assert sorted(folder.link()) == sorted([first, by_url])
    (by_content,) = (name for name in folder.names if name.startswith("a/") and name != first)
    assert by_content != by_url
    assert [one["match"]["input"] for one in folder.read(by_content)] == [{"image_url": BY_CONTENT}] * 2
    assert folder.answers(by_content) == [1, 2]
    assert folder.save({"image_url": CAT}, 3) == by_content
    assert folder.answers(by_content) == [1, 2, 3]


def test_repetitions_move_too(folder: Folder) -> None:
    for _ in range(3):
        folder.save({"image_url": CAT}, 1)
    folder.link()
    name = folder.save({"image_url": CAT}, 2)
    assert folder.answers(name) == [1, 1, 1, 2]


def test_what_moves_meets_what_a_former_run_recorded(folder: Folder) -> None:
    folder.link()
    name = folder.save({"image_url": CAT}, "old", started=1.0)
    folder.run()
    folder.save({"image_url": DOG}, "new", started=1.0)
    folder.link(DOG)
    assert [path for path in folder.names if path.endswith(".json")] == [name]
    assert folder.answers(name) == ["new"]


def test_an_emptied_folder_is_removed(folder: Folder) -> None:
    folder.put("mine/deep/all.json", entry({"image_url": CAT}))
    folder.put("mine/b.json", entry({"image_url": BY_CONTENT}, "old"))
    folder.run()
    assert folder.save({"image_url": CAT}, "new") == "mine/deep/all.json"
    folder.link()
    assert not (folder.path / "mine/deep").exists()
    assert folder.answers("mine/b.json") == ["new"]


def test_what_moves_within_a_file_is_not_lost(folder: Folder) -> None:
    folder.put("all.json", entry({"image_url": CAT}, "old"), entry({"image_url": BY_CONTENT}, "older"), entry({"n": 1}))
    folder.run()
    assert folder.save({"image_url": CAT}, "new") == "all.json"
    folder.link()
    assert folder.answers("all.json") == ["new", 1]


def test_a_chain_of_several_files_moves_with_each(folder: Folder) -> None:
    folder.save({"images": [CAT, DOG]}, 1)
    folder.link()
    folder.link(DOG, b"dog")
    (name,) = (name for name in folder.names if name.endswith(".json"))
    images = folder.read(name)[0]["match"]["input"]["images"]
    assert [image["$file"] for image in images] == [f"sha256:{sha256(PNG)}", f"sha256:{sha256(b'dog')}"]


def test_answers_that_come_to_the_same_once_their_files_are_known_are_told_once(folder: Folder) -> None:
    folder.save(answer={"url": CAT})
    name = folder.save(answer={"url": DOG.replace("dog", "cat")})
    folder.link()
    folder.link(DOG.replace("dog", "cat"))
    assert folder.answers(name) == [{"url": SERVED}]
    folder.save(answer=2)
    assert folder.answers(name) == [{"url": SERVED}, {"url": SERVED}, 2]


def test_a_file_known_by_its_digest_alone_tells_more_once_it_is_seen(folder: Folder) -> None:
    bare = {"$file": BY_CONTENT["$file"]}
    name = folder.save({"image_url": bare})
    folder.link()
    assert folder.read(name)[0]["match"]["input"] == {"image_url": BY_CONTENT}
    assert folder.save({"image_url": bare}, 2) == name
    assert folder.read(name)[1]["match"]["input"] == {"image_url": BY_CONTENT}


def test_a_file_that_was_broken_meanwhile_is_theirs(folder: Folder) -> None:
    name = folder.save(answer={"url": CAT})
    (folder.path / name).write_bytes(b"{")
    assert folder.link() == []
    assert (folder.path / name).read_bytes() == b"{"


def test_what_others_recorded_is_surveyed_for_its_files(folder: Folder) -> None:
    folder.put(
        "mine/all.json", entry({"n": 1}, {"url": f"{CAT}?x=1", "other": "https://a.test/b"}), entry({"image_url": CAT})
    )
    folder.put("_assets/no.json", entry(answer={"url": DOG}))
    folder.put(".hidden/no.json", entry(answer={"url": DOG}))
    (folder.path / "broken.json").write_bytes(b"{")
    assert folder.writer.survey(FileUrls(Hosts()).is_file_url) == [f"{CAT}?x=1"]
    assert folder.link() == ["mine/all.json"]
    assert folder.answers("mine/all.json")[0] == {"url": SERVED, "other": "https://a.test/b"}
    assert folder.read("mine/all.json")[1]["match"]["input"] == {"image_url": BY_CONTENT}


# what goes wrong


def _fail(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_what_was_there_and_the_count_right(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in (1, 1):
        name = folder.save(answer=answer)
    before = (folder.path / name).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _fail)
        with pytest.raises(OSError, match="No space"):
            folder.save(answer=2)
    assert (folder.path / name).read_bytes() == before
    assert folder.names == [name]
    folder.save(answer=3)
    assert folder.answers(name) == [1, 1, 3]


def test_a_first_write_that_fails_forgets_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    name = folder.save(answer="old")
    folder.run()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _fail)
        with pytest.raises(OSError, match="No space"):
            folder.save(answer=1)
    folder.save(answer=2)
    assert folder.answers(name) == [2]


def test_two_recorders_may_share_a_folder(folder: Folder) -> None:
    other = Folder(folder.path)
    name = folder.save({"n": 1}, "one")
    other.save({"n": 2}, "two")
    assert other.save({"n": 1}, "later") == name
    assert folder.answers(name) == ["later"]
    folder.save({"n": 1}, "more")
    assert FixtureLoader([str(folder.path)]).load().files == 2


def test_a_repeated_answer_adds_the_urls_that_its_files_had(tmp_path: Path) -> None:
    writer = Writer(str(tmp_path))
    for number in range(2):
        made = entry()
        made["recorded"] = {"at": f"{number}", "urls": {f"https://v3.fal.media/{number}": f"sha256:{sha256(PNG)}"}}
        path = written(writer, Save(made, "a-cat", "the run of a/b", float(number), {})).paths[0]
    (kept,) = json.loads(Path(path).read_text())["fixtures"]
    assert kept["recorded"]["at"] == "0"
    assert list(kept["recorded"]["urls"]) == ["https://v3.fal.media/0", "https://v3.fal.media/1"]


def test_what_another_process_needs_to_go_on_has_no_secrets(folder: Folder) -> None:
    folder.save({"url": CAT}, {"url": f"{DOG}?X-Goog-Signature=planted"})
    folder.link(f"{CAT}?X-Goog-Signature=planted")
    state = folder.writer.state(lambda text: text.replace(CAT, "hidden").replace(DOG, "hidden"))["state"]
    assert "planted" not in json.dumps(state)
    for part, url in ((state["files"], CAT), (state["named"], DOG)):
        assert "hidden" in json.dumps(part)
        assert url not in json.dumps(part)
