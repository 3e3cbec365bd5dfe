from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording import document
from falmock.recording.document import NotAFixture
from falmock.redaction.redactor import any_query
from falmock.wire.formats import jsontext
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import sha256
from unit.recording.exchanges import uploaded

FILE = uploaded(CAT, PNG)
REFERENCE = {"$file": f"sha256:{sha256(PNG)}", "type": "image/png", "size": 72}


def entry(value: Any = None, answer: Any = 1, **more: Any) -> dict[str, Any]:
    match = {"model": "a/b", "input": value or {}, "exact": True}
    return {"match": match, "response": {"json": answer}, **more}


def file(*entries: Any) -> dict[str, Any]:
    return {"fixtures": list(entries)}


# rules


def test_equal_matches_have_one_rule_whatever_their_answers() -> None:
    rules = document.groups(file(entry({"n": 1}), entry({"n": 2}), entry({"n": 1.0}, 2)), "f.json")
    assert rules[0] == rules[2] != rules[1]
    assert document.group_of(entry({"n": 1}, 3)) == rules[0]


def test_what_tells_readers_of_a_file_is_no_part_of_the_rule() -> None:
    bare = {"$file": REFERENCE["$file"]}
    assert document.group_of(entry({"image_url": bare})) == document.group_of(entry({"image_url": REFERENCE}))


def test_fixtures_for_others_have_no_rule() -> None:
    others = {"match": {"endpoint": "chat", "userMessage": "hello"}, "response": {"content": "hi"}}
    assert document.groups(file(others, entry()), "f.json")[0] == ""
    assert document.groups(file(others, entry()), "f.json")[1] != ""


@pytest.mark.parametrize("broken", [None, [], {}, {"fixtures": 1}, file({"match": {}}), file({"match": {"modle": 1}})])
def test_a_file_that_would_not_load_has_none(broken: Any) -> None:
    with pytest.raises(NotAFixture) as caught:
        document.groups(broken, "f.json")
    assert caught.value.problems
    assert str(caught.value).startswith("f.json")


# names


@pytest.mark.parametrize(
    ("match", "folder"),
    [
        ({"model": "fal-ai/flux/dev"}, ["fal-ai", "flux", "dev"]),
        ({"model": "workflows/me/poster"}, ["workflows", "me", "poster"]),
        ({"model": "a/_b"}, ["a", "-b"]),
        ({"model": "a/.b:c"}, ["a", "-b-c"]),
        ({"method": "GET", "host": "api.fal.ai", "path": "/v1/models"}, ["api.fal.ai", "v1", "models"]),
        ({"path": "/files/a%20b/c.png"}, ["files", "files", "a b", "c.png"]),
    ],
)
def test_folders_are_named_after_what_is_called(match: dict[str, Any], folder: list[str]) -> None:
    assert document.folder_of(match) == folder


@given(st.text(min_size=1))
def test_a_folders_name_never_leads_out_or_is_passed_over(segment: str) -> None:
    for name in document.folder_of({"host": segment, "path": f"/{segment}/x"}):
        assert name[0] not in "._"
        assert not set(name) & set('/\\<>:"|*\0\n')
        assert len(name) <= 100


def test_a_files_name_follows_from_its_match() -> None:
    match = entry({"n": 1, "image_url": REFERENCE})["match"]
    name = document.file_name_of("a-cat", match)
    assert name.startswith("a-cat-")
    assert len(name) == len("a-cat-12345678.json")
    bare = entry({"image_url": {"$file": REFERENCE["$file"]}, "n": 1.0})["match"]
    assert document.file_name_of("a-cat", entry({"n": 2})["match"]) != name
    assert document.file_name_of("a-cat", {**match, "method": "GET"}) != name
    assert document.file_name_of("a-cat", {**bare, "input": {**bare["input"], "n": 1}}) == name


def test_a_spelling_of_a_number_does_not_change_the_name() -> None:
    names = {
        document.file_name_of("x", {"model": "a/b", "input": jsontext.loads_exact(b'{"n": %s}' % spelled)})
        for spelled in (b"1.5", b"1.50", b"15e-1")
    }
    assert len(names) == 1


# places


def test_answers_take_the_place_of_those_with_their_rule() -> None:
    now = {"_note": "mine", "fixtures": [entry({"n": 1}), entry({"n": 2}), entry({"n": 1}, 2), entry({"n": 3})]}
    rules = document.groups(now, "f.json")
    new = [entry({"n": 1}, 7), entry({"n": 1}, 8)]
    placed = document.placed(now, rules, rules[0], new)
    assert placed == {"_note": "mine", "fixtures": [*new, entry({"n": 2}), entry({"n": 3})]}
    assert document.placed(now, rules, "other", new)["fixtures"] == [*now["fixtures"], *new]


# files


def test_a_file_takes_the_place_of_its_url_wherever_it_stands() -> None:
    linked = document.linked(entry({"image_url": f"{CAT}?x=1", "n": [CAT, f"{CAT}x"]}, {"url": CAT}), FILE)
    assert linked["match"]["input"] == {"image_url": REFERENCE, "n": [REFERENCE, f"{CAT}x"]}
    assert linked["response"]["json"] == {"url": {"$file": REFERENCE["$file"], "name": "cat.png"}}


def test_a_reference_that_told_nothing_but_the_digest_tells_more() -> None:
    bare = {"$file": REFERENCE["$file"]}
    assert document.linked(entry({"image_url": bare}), FILE)["match"]["input"] == {"image_url": REFERENCE}
    told = entry({"image_url": {**bare, "type": "image/x-mine"}})
    assert document.linked(told, FILE) is told


def test_an_entry_that_does_not_name_the_file_is_the_same_object() -> None:
    for other in (entry({"n": "x"}, {"url": f"{CAT}x"}), {"match": {"path": "/x"}, "response": {"text": CAT}}):
        assert document.linked(other, FILE) is other


def test_a_signed_url_in_an_input_is_the_file_too() -> None:
    given = {"image_url": any_query(CAT), "n": [any_query(f"{CAT}x")]}
    linked = document.linked(entry(given), FILE)
    assert linked["match"]["input"] == {"image_url": REFERENCE, "n": [any_query(f"{CAT}x")]}


def test_the_url_that_a_file_had_is_kept_in_recorded() -> None:
    made = {**entry({}, {"url": CAT}), "recorded": {"at": "today", "urls": {"https://z/z": f"sha256:{'0' * 64}"}}}
    linked = document.linked(made, FILE)
    assert linked["recorded"] == {
        "at": "today",
        "urls": {"https://z/z": f"sha256:{'0' * 64}", CAT: REFERENCE["$file"]},
    }
    assert document.linked(linked, FILE) is linked
    assert document.urls_of(linked) == linked["recorded"]["urls"]
    assert document.urls_of(entry({})) == {}


def test_the_number_of_urls_of_an_entry_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_URLS", 2)
    made = entry({})
    for number in range(5):
        made = document.with_urls(made, {f"https://a/{number}": "sha256:0"})
    assert list(document.urls_of(made)) == ["https://a/3", "https://a/4"]


def test_file_urls_of_an_answer() -> None:
    urls = document.file_urls(entry(answer=[{"a": f"{CAT}?x=1"}, "b", 1, None]), lambda text: text.startswith("https:"))
    assert urls == {CAT: f"{CAT}?x=1"}
    assert document.file_urls({"match": {}}, bool) == {}


def test_what_is_rendered_is_read_again_as_it_was() -> None:
    now = {"fixtures": [entry({"seed": 2**64 - 1}, jsontext.loads_exact(b'{"a": 1.10, "b": 1e5}'))]}
    written = document.render(now)
    assert written.endswith(b"}\n")
    assert document.render(jsontext.loads_exact(written)) == written
    assert b'"a": 1.10, "b": 1e5' in written
