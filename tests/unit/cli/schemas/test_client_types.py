"""Finding the types of the client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falmock.cli.schemas import client_types
from falmock.cli.schemas.client_types import NoTypes


def package(folder: Path, version: str = "1.10.1", place: str = "src/types") -> Path:
    """A client in the node_modules of a folder."""
    root = folder / "node_modules/@fal-ai/client"
    (root / place).mkdir(parents=True)
    (root / "package.json").write_text(json.dumps({"name": "@fal-ai/client", "version": version}))
    file = root / place / "endpoints.d.ts"
    file.write_text("")
    return file


@pytest.mark.parametrize("place", ["src/types", "types", "dist/types", ""])
def test_it_is_looked_for_upwards(tmp_path: Path, place: str) -> None:
    file = package(tmp_path, place=place)
    (tmp_path / "a/b").mkdir(parents=True)
    assert client_types.find(None, tmp_path / "a/b") == (file, "@fal-ai/client 1.10.1")


def test_the_nearest_counts(tmp_path: Path) -> None:
    package(tmp_path)
    (tmp_path / "a").mkdir()
    assert client_types.find(None, tmp_path / "a") == client_types.find(None, tmp_path)
    near = package(tmp_path / "a", "1.5.0")
    assert client_types.find(None, tmp_path / "a") == (near, "@fal-ai/client 1.5.0")


@pytest.mark.parametrize("place", ["web", "packages/web"])
def test_the_packages_of_a_workspace(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    file = package(tmp_path / place)
    assert client_types.find(None, tmp_path).path == file


def test_a_link_as_pnpm_makes_them(tmp_path: Path) -> None:
    file = package(tmp_path / "store")
    link = tmp_path / "app/node_modules/@fal-ai/client"
    link.parent.mkdir(parents=True)
    link.symlink_to(file.parents[2])
    found = client_types.find(None, tmp_path / "app")
    assert found == (link / "src/types/endpoints.d.ts", "@fal-ai/client 1.10.1")


def test_what_is_given(tmp_path: Path) -> None:
    file = package(tmp_path)
    modules = tmp_path / "node_modules"
    for given in (tmp_path, modules, modules / "@fal-ai/client", file):
        assert client_types.find(str(given), Path("/")) == (file, "@fal-ai/client 1.10.1")
    plain = tmp_path / "mine.d.ts"
    plain.write_text("")
    assert client_types.find(str(plain), Path("/")) == (plain, "mine.d.ts")


def test_a_package_that_is_another(tmp_path: Path) -> None:
    file = package(tmp_path)
    (file.parents[2] / "package.json").write_text("{")
    assert client_types.find(None, tmp_path).origin == "endpoints.d.ts"


def test_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(NoTypes, match=r"no node_modules here or above has @fal-ai/client with endpoints\.d\.ts"):
        client_types.find(None, tmp_path)
    with pytest.raises(NoTypes, match="--types x: expected a file of types"):
        client_types.find("x", tmp_path)
