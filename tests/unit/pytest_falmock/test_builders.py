"""The entries that pytest-falmock builds: falmock takes them, and they are as those that falmock builds itself."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

import pytest
from pytest_falmock import builders
from pytest_falmock.builders import Draft

from falmock.fixtures import build
from unit.gateway.steering import Steered


def added(draft: Draft | dict[str, Any]) -> Any:
    """What falmock says to an entry that a test adds."""
    draft = draft if isinstance(draft, Draft) else Draft(draft)
    assets = {name: base64.b64encode(content).decode() for name, content in draft.assets.items()}
    return Steered().ask("POST", "/fixtures", {"fixtures": [draft.entry], "assets": assets}, 201)


def without_names(value: Any) -> Any:
    """An entry without the names that falmock gives to files."""
    if isinstance(value, dict):
        return {"$file": ""} if "$file" in value else {key: without_names(each) for key, each in value.items()}
    return [without_names(each) for each in value] if isinstance(value, list) else value


def test_an_answer() -> None:
    entry = builders.run("a/b", {"x": 1}, status=422, prompt="cat", input={"n": 1}, exact=False, sequence_index=1)
    theirs = build.run("a/b", {"x": 1}, status=422, prompt="cat", input={"n": 1}, exact=False, sequence_index=1)
    assert entry == theirs.entry
    added(entry)


def test_an_error() -> None:
    added(builders.error("a/b", "content_policy_violation"))
    added(builders.error("a/b", {"name": "image_too_small", "loc": ["body", "image"]}, prompt="x"))


def test_an_image_of_its_own() -> None:
    draft = builders.image("a/b", [], size=None, seed=3)
    (name,) = draft.assets
    assert struct.unpack_from(">II", draft.assets[name], 16) == (8, 8)
    (image,) = draft.entry["response"]["json"]["images"]
    assert image == {"url": {"$file": name}, "width": 8, "height": 8, "content_type": "image/png"}
    assert added(draft)["fixtures"][0]["model"] == "a/b"


def test_images_of_files_and_urls(tmp_path: Path) -> None:
    png = builders.image("a/b", [], size=(5, 4), seed=0).assets["image.png"]
    file = tmp_path / "cat.png"
    file.write_bytes(png)
    given = [file, "https://example.com/x.jpg?y=1", "data:image/gif;base64,R0lGODlhAQABAAAAACw="]
    draft = builders.image("a/b", given, size=None, seed=7)
    theirs = build.image("a/b", *given, seed=7)
    assert without_names(draft.entry) == without_names(theirs.entry)
    assert draft.assets == {"cat.png": png}
    added(draft)
    sized = builders.image("a/b", [file], size=(1, 2), seed=0)
    assert sized.entry["response"]["json"]["images"][0]["width"] == 1


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_other_media(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"it.{'mp4' if kind == 'video' else 'mp3'}"
    file.write_bytes(b"\0" * 20)
    for given in (file, f"https://example.com/{file.name}"):
        draft = builders.video("a/b", given, seed=0) if kind == "video" else builders.audio("a/b", given)
        theirs = build.video("a/b", given) if kind == "video" else build.audio("a/b", given)
        ours = without_names(draft.entry)
        assert ours == without_names(theirs.entry)
        added(draft)
