"""The page's files are those of the package, and nothing else."""

from __future__ import annotations

import re
import zipfile
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

import falmock
from falmock.gateway.inspector import static_files as static_files_
from falmock.gateway.inspector.static_files import PAGE
from falmock.gateway.inspector.static_files import static_files

STATIC = Path(falmock.__file__).parent / "gateway" / "inspector" / "static"
NOT_SERVED = {f"vendor/{name}" for name in ("LICENSE.htm", "LICENSE.preact", "README.md")}


def files_of(monkeypatch: pytest.MonkeyPatch, root: Traversable) -> dict[str, bytes]:
    with monkeypatch.context() as patched:
        patched.setattr(static_files_.resources, "files", lambda _: root)
        return {name: each.content for name, each in static_files_.static_files.__wrapped__().items()}


def test_each_file_is_served_as_it_is() -> None:
    here = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}
    assert set(static_files()) == set(here) - NOT_SERVED
    for name, each in static_files().items():
        assert each.content == here[name].read_bytes()


def test_the_page_loads_only_what_is_there() -> None:
    page = static_files()[PAGE].content.decode()
    named = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert named
    assert {name.removeprefix("/__falmock/inspector/") for name in named} <= set(static_files())


@pytest.mark.parametrize("is_zipped", [False, True])
def test_folders_and_what_is_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_zipped: bool) -> None:
    """Also in an archive, from which Python imports packages too."""
    names = {"static/index.html": b"<p>", "static/views/a.js": b"1", "static/__init__.py": b"2", "outside.js": b"3"}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "folder")
    root = zipfile.Path(str(tmp_path / "all.zip")) if is_zipped else tmp_path / "folder"
    assert files_of(monkeypatch, root) == {"index.html": b"<p>", "views/a.js": b"1"}


def test_a_tag_is_that_of_the_content() -> None:
    tags = [each.etag for each in static_files().values()]
    assert len(set(tags)) == len({each.content for each in static_files().values()})
    assert all(re.fullmatch(r'"[0-9a-f]{32}"', tag) for tag in tags)
