"""The commands, called as mitmproxy's prompt and as other addons call them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy import types
from mitmproxy.addons import view
from mitmproxy.test import taddons
from mitmproxy.test import tflow

from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.proxy.commands import Commands
from falmock.proxy.commands import Scrubbed
from unit.proxy.mitm import mitmproxy

# mitmproxy 12 parses commands in a way that its library would like to see changed.
pytestmark = pytest.mark.filterwarnings("ignore:'parse:DeprecationWarning")


class Keeper:
    """A recording that keeps the requests it gets."""

    def __init__(self, files: int = 2, problem: Exception | None = None) -> None:
        self.saved: list[http.HTTPFlow] = []
        self._files = files
        self._problem = problem

    def save(self, flows: Sequence[http.HTTPFlow]) -> str:
        if self._problem is not None:
            raise self._problem
        self.saved += flows
        return f"{len(flows)} saved"

    async def fetch_assets(self) -> int:
        await asyncio.sleep(0)
        if self._problem is not None:
            raise self._problem
        return self._files


class Scrub:
    """A scrubber that keeps the paths it gets."""

    def __init__(self, *rewritten: str, problem: Exception | None = None) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._rewritten = rewritten
        self._problem = problem

    def __call__(self, paths: Sequence[str]) -> Scrubbed:
        self.asked.append(tuple(paths))
        if self._problem is not None:
            raise self._problem
        return Scrubbed(3, self._rewritten)


def commands(reload: Any = lambda: "read", scrub: Scrub | None = None, keeper: Keeper | None = None) -> Commands:
    return Commands(reload, lambda: scrub, lambda: None if keeper is None else keeper.save, lambda: keeper)


def refused(context: taddons.context, text: str) -> str:
    with pytest.raises(exceptions.CommandError) as caught:
        context.master.commands.execute(text)
    return str(caught.value)


def test_their_types_are_told() -> None:
    with mitmproxy(commands()) as context:
        told = {
            name: item.signature_help() for name, item in context.master.commands.commands.items() if "falmock" in name
        }
        assert told == {
            "falmock.reload": "falmock.reload  -> str",
            "falmock.scrub": "falmock.scrub *paths -> str",
            "falmock.save": "falmock.save flows -> str",
            "falmock.assets.fetch": "falmock.assets.fetch ",
        }
        found = context.master.commands.commands
        assert [parameter.type for parameter in found["falmock.scrub"].parameters] == [types.Path]
        assert [parameter.type for parameter in found["falmock.save"].parameters] == [Sequence[flows_.Flow]]
        assert all(item.help for name, item in found.items() if "falmock" in name)


def test_reload(caplog: pytest.LogCaptureFixture) -> None:
    with mitmproxy(commands(lambda: "2 fixtures in 1 file")) as context, caplog.at_level(logging.INFO):
        assert context.master.commands.execute("falmock.reload") == "2 fixtures in 1 file"
        assert context.master.commands.call("falmock.reload") == "2 fixtures in 1 file"
    assert caplog.text.count("falmock: 2 fixtures in 1 file") == 2


def test_reload_of_broken_fixtures_is_refused_with_their_problems(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{", "utf-8")
    store = FixtureLoader([str(tmp_path)])

    def reload() -> str:
        store.load()
        return "unreachable"

    with pytest.raises(FixtureErrors):
        reload()
    with mitmproxy(commands(reload)) as context:
        text = refused(context, "falmock.reload")
    assert text.startswith("falmock.reload: the old fixtures stay in use. ")
    assert "a.json" in text


def test_scrub_tells_how_many(caplog: pytest.LogCaptureFixture) -> None:
    scrub = Scrub("f/a.json", "f/b.json")
    with mitmproxy(commands(scrub=scrub)) as context, caplog.at_level(logging.INFO):
        text = context.master.commands.execute("falmock.scrub")
        context.master.commands.execute("falmock.scrub f/a.json 'g h'")
    assert text == "2 of 3 fixture files held secrets and were rewritten"
    assert scrub.asked == [(), ("f/a.json", "g h")]
    assert "took secrets out of f/b.json" in caplog.text


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (PermissionError(13, "Permission denied", "f/a.json"), "falmock.scrub: f/a.json: Permission denied"),
        (ValueError("f/a.json is not JSON"), "falmock.scrub: f/a.json is not JSON"),
        (OSError("gone"), "falmock.scrub: gone"),
        (OSError(28, "No space left on device"), "falmock.scrub: No space left on device"),
    ],
)
def test_scrub_says_what_went_wrong(problem: Exception, words: str) -> None:
    with mitmproxy(commands(scrub=Scrub(problem=problem))) as context:
        assert refused(context, "falmock.scrub") == words


def test_what_cannot_be_done_now_says_why() -> None:
    with mitmproxy(commands(), view.View()) as context:
        assert "there are no fixtures" in refused(context, "falmock.scrub")
        assert "falmock is not configured" in refused(context, "falmock.save @all")
        assert "set fal_mode to record or auto" in refused(context, "falmock.assets.fetch")


def test_save_takes_flows_with_an_answer() -> None:
    keeper = Keeper()
    answered, open_ = tflow.tflow(resp=True), tflow.tflow()
    with mitmproxy(commands(keeper=keeper)) as context:
        call = context.master.commands.call
        assert call("falmock.save", [answered, open_, tflow.ttcpflow()]) == "1 saved"
        assert keeper.saved == [answered]
        with pytest.raises(exceptions.CommandError, match="expected HTTP flows with an answer, found none in 1 flow"):
            call("falmock.save", [open_])


def test_save_from_the_prompt_takes_what_is_selected() -> None:
    keeper, flows = Keeper(), view.View()
    with mitmproxy(commands(keeper=keeper), flows) as context:
        flows.add([tflow.tflow(resp=True)])
        assert context.master.commands.execute("falmock.save @all") == "1 saved"


def test_save_says_what_went_wrong() -> None:
    keeper = Keeper(problem=OSError(28, "No space left on device", "f"))
    with (
        mitmproxy(commands(keeper=keeper)) as context,
        pytest.raises(exceptions.CommandError, match=r"falmock\.save: f: No space left on device"),
    ):
        context.master.commands.call("falmock.save", [tflow.tflow(resp=True)])


@pytest.mark.parametrize(
    ("keeper", "words"),
    [(Keeper(1), "falmock: 1 file fetched"), (Keeper(problem=OSError("x")), "falmock: files could not be fetched")],
)
def test_assets_are_fetched_in_the_background(keeper: Keeper, words: str, caplog: pytest.LogCaptureFixture) -> None:
    async def fetch() -> None:
        with mitmproxy(commands(keeper=keeper)) as context:
            assert context.master.commands.execute("falmock.assets.fetch") is None
            assert "already" in refused(context, "falmock.assets.fetch")
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
            context.master.commands.execute("falmock.assets.fetch")
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    with caplog.at_level(logging.INFO):
        asyncio.run(fetch())
    assert caplog.text.count(words) == 2
