from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.files import registry as module
from falmock.engine.files.registry import Assets
from falmock.engine.files.registry import BadParts
from falmock.engine.files.registry import NoRoom
from falmock.wire.message import Content
from falmock.wire.message import content_of
from falmock.wire.storage import content_path
from falmock.wire.storage import digest


def on_disk(data: bytes, file: str) -> Content:
    return Content(digest(data), len(data), file=file)


def put(assets: Assets, data: bytes, file: str) -> str:
    """Upload a file; the path it is found at."""
    content = on_disk(data, file)
    assets.put(content, "a", "text/plain")
    assets.release(content)
    return content_path(content.sha256, "a")


def test_memory_is_bounded_and_the_oldest_file_goes() -> None:
    assets = Assets(limit=10)
    old = assets.put(content_of(b"12345678"), "old", "text/plain")
    new = assets.put(content_of(b"abcdefgh"), "new", "text/plain")
    assert assets.find(content_path(old.sha256, "old"), {}) is None
    assert assets.find(content_path(new.sha256, "new"), {})
    with pytest.raises(NoRoom):
        assets.put(content_of(b"12345678901"), "huge", "text/plain")
    assert assets.take_dropped() == []


def test_files_do_not_count_as_memory() -> None:
    assets = Assets(limit=3)
    path = put(assets, b"12345678", "one")
    found = assets.find(path, {})
    assert found is not None
    assert (found.asset.file, found.asset.data, found.asset.size) == ("one", None, 8)
    assert assets.take_dropped() == []


def test_files_are_bounded_too_and_the_oldest_is_dropped() -> None:
    assets = Assets(disk_limit=10)
    old = put(assets, b"1234", "one")
    put(assets, b"abcd", "two")
    put(assets, b"1234", "again")  # the same bytes: it is the youngest now
    put(assets, b"ABCD", "three")
    assert assets.take_dropped() == ["again", "two"]
    assert assets.find(old, {}) is not None
    huge = put(assets, b"x" * 100, "huge")
    assert assets.take_dropped() == ["one", "three"]
    assert assets.find(huge, {}) is not None
    assert assets.find(old, {}) is None


def test_the_same_bytes_are_kept_once() -> None:
    assets = Assets()
    put(assets, b"1234", "one")
    put(assets, b"1234", "two")
    assets.put(content_of(b"1234"), "a", "text/plain")
    assert assets.take_dropped() == ["two"]
    assets.put(content_of(b"abcd"), "a", "text/plain")
    put(assets, b"abcd", "three")
    assert assets.take_dropped() == ["three"]
    assert assets.take_dropped() == []


def test_a_part_that_is_sent_again_takes_the_place_of_the_first() -> None:
    assets = Assets(limit=4)
    upload = assets.promise("/a", "a", "text/plain")
    for number, content in ((1, on_disk(b"one", "1")), (2, content_of(b"two")), (1, on_disk(b"ONE", "2"))):
        assets.add_part(upload, number, content, 0.0)
        assets.release(content)
    assert assets.take_dropped() == ["1"]
    assert [part.sha256 for part in assets.in_order(upload, [2, 1, 1])] == [digest(b"ONE"), digest(b"two")]
    assets.add_part(upload, 2, on_disk(b"TWO", "3"), 0.0)
    assets.add_part(upload, 1, content_of(b"four"), 0.0)
    with pytest.raises(NoRoom):
        assets.add_part(upload, 3, content_of(b"5"), 0.0)
    assert assets.take_dropped() == ["2"]
    with pytest.raises(BadParts, match="part 4"):
        assets.in_order(upload, [1, 4])


def test_the_parts_are_dropped_when_the_whole_is_there() -> None:
    assets = Assets()
    upload = assets.promise("/a", "a", "text/plain")
    assets.add_part(upload, 1, on_disk(b"one", "1"), 0.0)
    assets.add_part(upload, 7, on_disk(b"never named", "7"), 0.0)
    assert not assets.is_filled(upload)
    assets.fill(upload, on_disk(b"one", "whole"), "text/plain")
    assert assets.is_filled(upload)
    assert assets.take_dropped() == ["1", "7"]
    found = assets.find("/a", {})
    assert found is not None
    assert found.asset.file == "whole"


def test_a_promise_that_is_forgotten_drops_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 1)
    assets = Assets()
    assets.add_part(assets.promise("/a", "a", "text/plain"), 1, on_disk(b"one", "1"), 0.0)
    assets.promise("/b", "b", "text/plain")
    assert assets.take_dropped() == ["1"]


def test_parts_that_were_left_go_before_what_is_whole() -> None:
    assets = Assets(disk_limit=10)
    whole = put(assets, b"1234", "whole")
    left = assets.promise("/left", "a", "text/plain")
    assets.add_part(left, 1, on_disk(b"abcd", "left"), 0.0)
    going_on = assets.promise("/going-on", "b", "text/plain")
    for number in range(3):
        assets.add_part(going_on, number, on_disk(bytes([number]) * 3, str(number)), 0.0)
    assert assets.take_dropped() == ["left"]
    assert assets.find(whole, {}) is not None
    put(assets, b"ABCD", "another")
    assert assets.take_dropped() == ["0", "1", "2"]
    assert left.parts == going_on.parts == {}


def test_an_upload_larger_than_the_limit_goes_on() -> None:
    assets = Assets(disk_limit=10)
    put(assets, b"1234", "whole")
    upload = assets.promise("/a", "a", "text/plain")
    for number in range(5):
        assets.add_part(upload, number, on_disk(bytes([number]) * 3, str(number)), 0.0)
    assert len(upload.parts) == 5
    assets.fill(upload, on_disk(b"x" * 15, "all"), "text/plain")
    assert assets.take_dropped() == ["0", "1", "2", "3", "4", "whole"]


def test_parts_that_nobody_goes_on_with_are_forgotten_in_time() -> None:
    assets = Assets()
    left, going_on, done = (assets.promise(f"/{name}", "a", "text/plain") for name in "abc")
    for at, upload in ((1.0, left), (2.0, done), (3.0, going_on)):
        assets.add_part(upload, 1, on_disk(upload.key.encode(), upload.key), at)
    assert assets.unfinished_since == 1
    assets.add_part(left, 2, content_of(b"in memory"), 4.0)
    assert assets.unfinished_since == 2
    assets.fill(done, content_of(b"whole"), "text/plain")
    assert assets.take_dropped() == ["/c"]
    assets.forget_unfinished(2.9)
    assert assets.take_dropped() == []
    assets.forget_unfinished(3.0)
    assert (assets.take_dropped(), going_on.parts, assets.unfinished_since) == (["/b"], {}, 4.0)
    assets.forget_unfinished(9.0)
    assert (assets.take_dropped(), left.parts, assets.unfinished_since) == (["/a"], {}, None)
    assets.add_part(left, 2, content_of(b"later"), 10.0)
    assert [part.data for part in assets.in_order(left, [2])] == [b"later"]


def test_parts_in_memory_are_bounded_and_those_of_the_upload_under_way_stay() -> None:
    assets = Assets(limit=10)
    uploads = [assets.promise(f"/{number}", "a", "text/plain") for number in range(4)]
    for upload in uploads:
        assets.add_part(upload, 1, content_of(b"1234"), 0.0)
    assert [len(upload.parts) for upload in uploads] == [0, 0, 1, 1]
    assets.add_part(uploads[2], 2, content_of(b"567890"), 0.0)
    assert [len(upload.parts) for upload in uploads] == [0, 0, 2, 0]
    assets.add_part(uploads[2], 2, content_of(b"5"), 0.0)
    assets.add_part(uploads[0], 1, content_of(b"12345"), 0.0)
    assert [len(upload.parts) for upload in uploads] == [1, 0, 2, 0]


def test_content_that_nobody_kept_is_dropped() -> None:
    assets = Assets()
    assets.release(on_disk(b"one", "1"))
    assets.release(content_of(b"two"))
    assert assets.take_dropped() == ["1"]


@given(st.lists(st.tuples(st.sampled_from(["put", "part", "fill", "in memory"]), st.integers(0, 3), st.integers(0, 9))))
def test_a_file_is_either_kept_or_dropped(acts: list[tuple[str, int, int]]) -> None:
    assets = Assets(limit=40, disk_limit=40)
    uploads = [assets.promise(f"/{number}", "a", "text/plain") for number in range(4)]
    disk: set[str] = set()
    for place, (act, number, size) in enumerate(acts):
        data = bytes([size]) * size
        content = content_of(data) if act == "in memory" else on_disk(data, str(place))
        disk |= {content.file} if content.file else set()
        if act == "part":
            assets.add_part(uploads[number], size, content, 0.0)
        elif act == "fill":
            assets.fill(uploads[number], content, "text/plain")
        else:
            assets.put(content, "a", "text/plain")
        assets.release(content)
        for file in assets.take_dropped():
            disk.remove(file)
    parts = {part.file for upload in uploads for part in upload.parts.values()}
    found = (assets.find(content_path(digest(bytes([size]) * size), "a"), {}) for size in range(10))
    kept = {asset.asset.file for asset in found if asset is not None}
    assert not parts & kept
    assert (parts | kept) - {None} == disk


def test_what_is_kept_and_at_which_urls() -> None:
    assets = Assets(limit=5)
    put(assets, b"disk", "/t/1")
    assets.put(content_of(b"ab"), "a.txt", "text/plain")
    assets.put(content_of(b"cd"), "b.txt", "text/plain")
    assets.put(content_of(b"ab"), "c.txt", "text/plain")
    assets.promise_recorded("/recorded", "/upload", "r.txt", "text/plain")
    promised = assets.promised("/upload")
    assert promised is not None
    assets.fill(promised, content_of(b"cd"), "text/plain")
    one, two = digest(b"ab"), digest(b"cd")
    assert [asset.sha256 for asset in assets.uploads] == [two, one, digest(b"disk")]
    assert assets.keys_of[one] == [content_path(one, "a.txt"), content_path(one, "c.txt")]
    assert assets.keys_of[two] == [content_path(two, "b.txt"), content_path(two, "r.txt"), "/recorded"]


def test_whether_there_is_room() -> None:
    assets = Assets(limit=5)
    assets.put(content_of(b"abcd"), "a", "text/plain")
    assert [assets.has_room(content_of(data)) for data in (b"abcd", b"e", b"ef")] == [True, True, False]
