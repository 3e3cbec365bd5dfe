from __future__ import annotations

from falmock.engine.shared.files.copies import LocalContents
from falmock.wire.message import Content
from falmock.wire.message import content_of


def on_disk(name: str, size: int) -> Content:
    return Content(name, size, file=f"/spool/{name}")


def test_a_copy_is_found_by_its_digest() -> None:
    contents, content = LocalContents(), content_of(b"hello")
    assert contents.get(content.sha256, 0) is None
    contents.add(content, 0)
    assert contents.get(content.sha256, 0) == content
    assert contents.is_tidy


def test_in_memory_the_least_recently_used_goes_first() -> None:
    contents = LocalContents(limit=10)
    first, second, third = (content_of(data) for data in (b"1111", b"2222", b"3333"))
    for content in (first, second):
        contents.add(content, 0)
    contents.get(first.sha256, 0)
    contents.add(third, 0)
    assert [contents.get(each.sha256, 0) for each in (first, second, third)] == [first, None, third]
    contents.add(content_of(b"x" * 11), 0)
    assert contents.get(content_of(b"x" * 11).sha256, 0) is None, "what is larger than all room is not kept"


def test_on_disk_the_least_recently_used_goes_first_but_one_stays() -> None:
    contents = LocalContents(disk_limit=10)
    contents.add(on_disk("a", 6), 0)
    contents.add(on_disk("b", 3), 1)
    contents.get("a", 2)
    contents.add(on_disk("c", 4), 3)
    assert contents.take_dropped() == ["/spool/b"]
    contents.add(on_disk("d", 50), 4)
    assert contents.take_dropped() == ["/spool/a", "/spool/c"]
    assert contents.get("d", 5) == on_disk("d", 50)
    assert contents.take_dropped() == []


def test_files_are_dropped_unless_they_are_those_of_copies() -> None:
    contents = LocalContents()
    contents.add(on_disk("a", 1), 0)
    contents.release(on_disk("a", 1))
    contents.release(content_of(b"in memory"))
    assert contents.take_dropped() == []
    again = Content("a", 1, file="/spool/again")
    contents.add(again, 0)
    contents.release(again)
    assert contents.take_dropped() == ["/spool/again"]
    contents.forget("a")
    contents.forget("unknown")
    assert (contents.take_dropped(), contents.is_tidy) == (["/spool/a"], True)


def test_what_is_not_used_ends() -> None:
    contents = LocalContents()
    assert contents.unused_since is None
    contents.add(on_disk("a", 1), 10)
    contents.add(on_disk("b", 1), 20)
    contents.get("a", 30)
    assert contents.unused_since == 20
    contents.forget_unused(25)
    assert (contents.take_dropped(), contents.is_tidy, contents.unused_since) == (["/spool/b"], False, 30)
