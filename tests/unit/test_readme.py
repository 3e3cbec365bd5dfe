"""The documents name the options that there are, and the README's fixture loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from falmock.fixtures.disk.loader import FixtureLoader
from falmock.proxy.options import OPTIONS
from falmock.proxy.options import Option

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
ADDON = (ROOT / "addon" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_there_with_its_default(option: Option) -> None:
    default = f"`{option.default}`" if option.default else ""
    assert re.search(rf"^\| `{option.name}` \| {re.escape(default)} ?\| ", ADDON, re.MULTILINE)


def test_no_other_option_is() -> None:
    assert set(re.findall(r"^\| `(fal_\w+)` \|", ADDON, re.MULTILINE)) == {option.name for option in OPTIONS}


def test_its_fixture_loads(tmp_path: Path) -> None:
    example = re.search(r"^```json\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert example
    (tmp_path / "example.json").write_text(example[1])
    (tmp_path / "_assets").mkdir()
    for asset in (ROOT / "fixtures" / "_assets").iterdir():
        (tmp_path / "_assets" / asset.name).write_bytes(asset.read_bytes())
    library = FixtureLoader([str(tmp_path)]).load()
    assert len(library.index.fixtures) == 1
    assert library.index.assets
