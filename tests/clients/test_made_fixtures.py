"""Made answers that become fixtures (`POST /__falmock/fixtures/from`): another falmock replays them, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients import tape
from clients.running import Mitmdump
from clients.test_synthesize import DRAW
from clients.test_synthesize import FILM
from clients.test_synthesize import MAKES

SECRET = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
CAT = {"prompt": "a cat é", "num_images": 2, "token": SECRET}
ASKS = "fal-ai/flux/schnell"
WRITTEN = json.dumps(
    {
        "fixtures": [
            {"match": {"model": "acme/written"}, "response": {"json": {"mine": True}}},
            {"match": {"model": ASKS}, "response": {"synthesize": {"seed": 7, "mine": True}}},
        ]
    }
)


class Maker:
    """A falmock that makes answers, whose folder has a file that somebody wrote; and an app that calls it."""

    def __init__(self, mock: Mitmdump, app: httpx.Client, folder: Path) -> None:
        self.mock = mock
        self.app = app
        self.folder = folder

    def keep(self, status: int = 201, **body: Any) -> Any:
        """Make the last run a fixture."""
        control = f"{self.mock.proxy}/__falmock"
        runs = httpx.get(f"{control}/journal", params={"call": "run"}, trust_env=False).json()["entries"]
        answer = httpx.post(f"{control}/fixtures/from", json={"call": runs[-1]["number"], **body}, trust_env=False)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def maker(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    folder = tmp_path_factory.mktemp("maker") / "fixtures"
    folder.mkdir()
    (folder / "mine.json").write_text(WRITTEN)
    with running.mitmdump(confdir, *MAKES, cwd=folder.parent) as mock, tape.client(mock) as app:
        yield Maker(mock, app, folder)
        assert "Traceback" not in mock.output


def read(app: httpx.Client, value: Any) -> Any:
    """An output with the digest of each file in place of its URL: stored files have other URLs than made ones."""
    if isinstance(value, dict):
        return {key: read(app, item) for key, item in value.items()}
    if isinstance(value, list):
        return [read(app, item) for item in value]
    if not isinstance(value, str) or not value.startswith("https://"):
        return value
    file = app.get(value)
    assert (file.status_code, file.content[:4] in (b"\x89PNG", b"\0\0\0 ")) == (200, True)
    return hashlib.sha256(file.content).hexdigest()


def output(app: httpx.Client, endpoint: str, given: Any, *, is_made: bool) -> Any:
    """What a call is answered, with the digests of its files."""
    answer = app.post(f"https://fal.run/{endpoint}", json=given)
    assert answer.status_code == 200, answer.text
    assert ("x-falmock-synthesized" in answer.headers) == is_made
    return read(app, answer.json())


def test_on_disk_for_a_falmock_that_makes_none(maker: Maker, confdir: Path) -> None:
    pictures = output(maker.app, DRAW, CAT, is_made=True)
    kept = maker.keep(to="disk")
    assert [fixture["model"] for fixture in kept["fixtures"]] == [DRAW]
    assert output(maker.app, DRAW, CAT, is_made=False) == pictures, "it answers at once"
    film = output(maker.app, FILM, {"prompt": "it moves"}, is_made=True)
    assert maker.keep(to="disk", file="films/one")["file"].endswith("fixtures/films/one.json")
    assert SECRET not in "".join(path.read_text() for path in maker.folder.rglob("*.json"))
    with running.serve(confdir, fixtures=maker.folder) as mock, tape.client(mock) as app:
        assert output(app, DRAW, CAT, is_made=False) == pictures
        assert output(app, FILM, {"prompt": "it moves"}, is_made=False) == film
        assert app.post(f"https://fal.run/{DRAW}", json=CAT | {"num_images": 1}).status_code == 404
        assert app.post("https://fal.run/acme/written", json={}).json() == {"mine": True}
        # A fixture may ask for a made answer, whatever falmock does with misses.
        asked = output(app, ASKS, {"prompt": "a bird", "num_images": 3}, is_made=True)
        assert (asked["seed"], asked["mine"], asked["prompt"], len(asked["images"])) == (7, True, "a bird", 3)


def test_in_memory(maker: Maker) -> None:
    dog = {"prompt": "a dog"}
    before = set(maker.folder.rglob("*"))
    pictures = output(maker.app, DRAW, dog, is_made=True)
    kept = maker.keep()
    assert (kept["file"], [fixture["model"] for fixture in kept["fixtures"]]) == (None, [DRAW])
    assert output(maker.app, DRAW, dog, is_made=False) == pictures
    output(maker.app, DRAW, dog | {"num_images": 2}, is_made=True)
    assert set(maker.folder.rglob("*")) == before


def test_what_it_matches_and_answers_can_be_chosen(maker: Maker) -> None:
    output(maker.app, f"{FILM}/any", {"prompt": "a dog"}, is_made=True)
    maker.keep(input="any", response={"json": {"chosen": True}})
    assert output(maker.app, f"{FILM}/any", {"prompt": "other"}, is_made=False) == {"chosen": True}


def test_nothing_that_exists_is_changed(maker: Maker) -> None:
    output(maker.app, DRAW, {"prompt": "a bird"}, is_made=True)
    ways = ("exact", "exact", "any")
    names = [maker.keep(to="disk", file="mine", input=way)["file"] for way in ways]
    assert [name.rpartition("/")[2] for name in names] == ["mine-2.json", "mine-2.json", "mine-3.json"]
    assert (maker.folder / "mine.json").read_text() == WRITTEN
    assert "file" in maker.keep(400, to="disk", file="../outside")["message"]
    assert not list(maker.folder.parent.glob("outside*"))
    assert not list(maker.folder.rglob("*.partial"))
