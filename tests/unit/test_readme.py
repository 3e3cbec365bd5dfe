"""The documents name the options that there are, and the README's fixture loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clients.runtimes import table
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.proxy.options import OPTIONS
from falmock.proxy.options import Option
from falmock.serving.environment import variables
from falmock.serving.environment.trust_files import TrustFiles
from falmock.wire.hosts import Hosts

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


def test_the_table_of_clients_is_what_the_tests_check() -> None:
    """Otherwise run `python tests/clients/runtimes/table.py`."""
    assert table.BEGIN in ADDON
    assert table.END in ADDON
    assert table.written(ADDON) == ADDON


def test_every_variable_that_a_program_gets_is_told() -> None:
    files = TrustFiles(*map(Path, "abcde"))  # type: ignore[arg-type]
    made = variables.environment("http://a:1", files, {}, Hosts(), is_replay=True, scope="a")
    (told,) = re.findall(r"^\| variable \| value \|\n(.*?)\n\n", ADDON, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`([A-Za-z_]+)`", "\n".join(line.split("|")[1] for line in told.splitlines())))
    assert {name for name in made.variables if name.upper() not in named and name not in named} == set()
    assert named <= {*made.variables}
