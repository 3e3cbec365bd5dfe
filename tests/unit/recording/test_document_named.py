from __future__ import annotations

from falmock.recording.document import named_by
from falmock.recording.document import named_in
from falmock.recording.outcome import Save


def test_urls_and_digests_without_type_and_size_are_named() -> None:
    value = {
        "a": ["https://a.b/c?x-amz-signature=1", {"$file": "sha256:0"}],
        "b": {"$file": "sha256:1", "type": "image/png", "size": 1},
        "c": "no url",
    }
    assert list(named_in(value)) == ["https://a.b/c", "sha256:0"]


def test_a_fixture_names_files_in_its_match_and_in_its_answer() -> None:
    entry = {"match": {"model": "https://no.part/of-it", "input": {"url": "https://a/b"}}, "response": {"json": 1}}
    save = Save(entry, "x", "x", 0.0, {"https://c/d": "https://c/d?1"}, links=frozenset({"https://e/f"}))
    assert named_by(save) == {"https://a/b", "https://c/d", "https://e/f"}
