"""Options as mitmproxy passes them, and what they change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

import pytest
from mitmproxy import exceptions
from mitmproxy.addons import proxyserver
from mitmproxy.test import taddons

from falmock.engine.config import Mode
from falmock.proxy import egress
from falmock.proxy import options
from falmock.proxy.configuration import Configuration
from falmock.proxy.record.current import Recordings
from falmock.sharing.replicas import RECORDER
from falmock.store import redis as redis_store
from falmock.store.interface import Commit
from falmock.store.interface import Put
from falmock.store.memory import MemoryStore
from unit.apps import app_of
from unit.proxy.mitm import mitmproxy


class Stores(MemoryStore):
    """A store that every address leads to, and that does not end with those who opened it."""

    async def close(self) -> None:
        """Go on."""


class Rig:
    """A configuration in a mitmproxy, with an empty folder of fixtures."""

    def __init__(self, context: taddons.context, folder: Path) -> None:
        self.folder = folder
        self.context = context
        context.master.addons.add(proxyserver.Proxyserver())
        for option in options.OPTIONS:
            context.options.add_option(option.name, Sequence[str], options.defaults(option), option.help)
        context.options.update(fal_fixtures=[str(folder)])
        app = app_of()
        self.app, self.engine, self.fixtures = app, app.engines, app.fixtures
        self.recordings = Recordings(app)
        self.configuration = Configuration(app, self.recordings, lambda: "")

    def set(self, **values: str | Sequence[str]) -> None:
        lists = {name: [value] if isinstance(value, str) else list(value) for name, value in values.items()}
        self.context.options.update(**lists)
        self.configuration.update(set(values))

    def write(self, name: str, *answers: int) -> None:
        fixtures = [{"match": {"model": "a/b"}, "response": {"json": answer}} for answer in answers]
        (self.folder / name).write_text(json.dumps({"fixtures": fixtures}))

    @property
    def loaded(self) -> int:
        return len(self.fixtures.loaded.index.fixtures)


def story(folder: Path, told: Callable[[Rig], None]) -> None:
    """Run a story in an event loop, which recordings and the watcher need."""

    async def run() -> None:
        with mitmproxy() as context:
            rig = Rig(context, folder)
            told(rig)
            rig.fixtures.stop_watching()
            rig.recordings.stop()
            await asyncio.sleep(0)

    asyncio.run(run())


def test_good_options_are_in_use(tmp_path: Path) -> None:
    def told(rig: Rig) -> None:
        rig.write("a.json", 1)
        assert rig.configuration.current is None
        rig.set(fal_pace="3s")
        assert rig.configuration.current is rig.engine.config
        assert rig.engine.config.pace_text == "3s"
        assert rig.loaded == 1
        assert rig.context.options.connection_strategy == "lazy"
        assert egress.installed().closed

    story(tmp_path, told)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("fal_mode", "repaly", "fal_mode"),
        ("fal_fixtures", "/no/such/folder", "/no/such/folder"),
        ("fal_dns_address", "8.8.8.8", "fal_dns_address: 8.8.8.8 is a public address"),
        ("stream_large_bodies", "1m", "stream_large_bodies makes mitmproxy send uploads to the real fal"),
    ],
)
def test_bad_ones_end_the_start_and_are_taken_back_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, value: str, words: str
) -> None:
    def told(rig: Rig) -> None:
        option = value if name == "stream_large_bodies" else [value]
        before = getattr(rig.context.options, name)
        rig.context.options.update(**{name: option})
        rig.configuration.update({name})
        assert rig.configuration.current is None
        assert [record.levelname for record in caplog.records if words in record.getMessage()] == ["ERROR"]
        rig.context.options.update(**{name: before})
        rig.configuration.update({name})
        good = rig.configuration.current
        assert good is not None
        rig.configuration.running()
        rig.context.options.update(**{name: option})
        with pytest.raises(exceptions.OptionsError, match=f"(?s)falmock: .*{words}"):
            rig.configuration.update({name})
        assert rig.configuration.current == good

    story(tmp_path, told)


def test_an_unknown_name_of_ours_ends_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def told(rig: Rig) -> None:
        rig.context.options.deferred["fal_mod"] = "replay"
        rig.set(fal_mode="replay")
        assert rig.configuration.current is None
        assert "fal_mod" in caplog.text

    story(tmp_path, told)


def test_options_of_others_change_nothing(tmp_path: Path) -> None:
    def told(rig: Rig) -> None:
        rig.set(fal_mode="replay")
        before = rig.configuration.current
        rig.configuration.update({"listen_port"})
        assert rig.configuration.current is before
        rig.set(fal_mode="replay")
        assert rig.configuration.current is not before

    story(tmp_path, told)


def test_fixtures_are_read_again_where_others_are_named_or_some_were_recorded(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()

    def told(rig: Rig) -> None:
        rig.set(fal_mode="replay")
        rig.write("a.json", 1)
        rig.set(fal_pace="3s")
        assert rig.loaded == 0  # the watcher handles changes on disk
        rig.set(fal_mode="record")
        rig.set(fal_mode="replay")
        assert rig.loaded == 1
        rig.write("b.json", 2)
        rig.set(fal_fixtures=[str(rig.folder / "a.json"), str(rig.folder / "b.json")])
        assert rig.loaded == 2

    story(tmp_path / "f", told)


def test_a_mode_opens_the_way_to_fal(tmp_path: Path) -> None:
    def told(rig: Rig) -> None:
        rig.set(fal_mode="replay")
        assert (rig.recordings.current, egress.installed().closed) == (None, True)
        for mode in (Mode.AUTO, Mode.RECORD):
            rig.set(fal_mode=mode.value)
            assert rig.recordings.current is not None
            assert not egress.installed().closed
        rig.set(fal_mode="passthrough")
        assert (rig.recordings.current, egress.installed().closed) == (None, False)
        rig.set(fal_mode="replay")
        assert egress.installed().closed

    story(tmp_path, told)


@pytest.mark.parametrize(
    ("modes", "accepted"),
    [
        (["regular"], False),
        (["regular", "dns@5353"], False),
        (["reverse:https://fal.run@8081", "upstream:http://proxy.test:3128@8082", "socks5@1080"], False),
        (["transparent"], True),
        (["regular", "Transparent@8081", "dns@5353"], True),
        (["wireguard"], True),
        (["local:curl"], True),
        (["tun"], True),
    ],
)
@pytest.mark.parametrize("address", ["1.2.3.4", "2606:4700::1"])
def test_a_public_address_for_fals_names_needs_a_mode_that_gets_what_is_sent_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, modes: list[str], address: str, *, accepted: bool
) -> None:
    def told(rig: Rig) -> None:
        rig.context.options.update(mode=modes)
        rig.set(fal_dns_address=["10.0.0.1" if ":" in address else "fd00::1", address])
        assert (rig.configuration.current is not None) is accepted
        assert (f"{address} is a public address" in caplog.text) is not accepted
        assert ("Add --mode transparent with a redirect, or take an address" in caplog.text) is not accepted
        assert accepted or f"found {', '.join(modes)}:" in caplog.text

    story(tmp_path, told)


def test_the_mode_that_a_public_address_needs_cannot_be_taken_away(tmp_path: Path) -> None:
    def told(rig: Rig) -> None:
        rig.context.options.update(mode=["transparent"])
        rig.set(fal_dns_address="1.2.3.4")
        rig.configuration.running()
        assert [str(address) for address in egress.installed().names.addresses] == ["1.2.3.4"]
        rig.context.options.update(mode=["regular"])
        with pytest.raises(exceptions.OptionsError, match="a public address"):
            rig.configuration.update({"mode"})

    story(tmp_path, told)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stores:
    store = Stores()
    monkeypatch.setattr(redis_store, "RedisStore", lambda _: store)
    return store


@pytest.mark.usefixtures("stored")
def test_a_store_is_opened_at_the_start_and_stays(tmp_path: Path) -> None:
    def told(rig: Rig) -> None:
        rig.set(fal_store="redis://one")
        shared = rig.app.shared
        assert shared is not None
        for mode, records in (("replay", False), ("auto", True), ("record", True), ("replay", False)):
            rig.set(fal_mode=mode)
            assert bool(shared.replicas.recorder) is records, mode
        rig.configuration.running()
        with pytest.raises(exceptions.OptionsError, match="fal_store cannot be changed while falmock runs"):
            rig.set(fal_store="redis://another")

    story(tmp_path, told)


def test_a_second_one_that_records_does_not_start(
    tmp_path: Path, stored: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(stored.commit(Commit(puts={RECORDER: Put(b"another one", 3600.0)})))

    def told(rig: Rig) -> None:
        rig.set(fal_store="redis://one", fal_mode="record")
        assert rig.configuration.current is None
        assert "one falmock of a store records, and another one does" in caplog.text

    story(tmp_path, told)


def test_it_does_not_start_without_its_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def told(rig: Rig) -> None:
        rig.set(fal_store=f"unix://{tmp_path}/none.sock")
        assert rig.configuration.current is None
        assert "falmock does not start without its store" in caplog.text

    story(tmp_path, told)


def test_passthrough_may_stream(tmp_path: Path) -> None:
    def told(rig: Rig) -> None:
        rig.context.options.update(stream_large_bodies="1m")
        rig.set(fal_mode="passthrough")
        assert rig.configuration.current is not None
        assert rig.context.options.connection_strategy == "eager"

    story(tmp_path, told)


def test_it_says_how_it_works_once_mitmproxy_is_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def banners() -> list[str]:
        return [text.split("; ")[0].partition(": ")[2] for text in caplog.messages if text.startswith("falmock 0")]

    def told(rig: Rig) -> None:
        rig.configuration.running()
        rig.set(fal_mode="replay")
        assert banners() == []
        rig.configuration.running()
        assert banners() == ["mode replay"]
        rig.set(fal_mode="passthrough", fal_faults=str(tmp_path / "faults.json"))
        assert banners() == ["mode replay", "mode passthrough"]
        assert "fal_faults does nothing in mode passthrough" in caplog.text

    (tmp_path / "faults.json").write_text('{"faults": [{"fault": "missing"}]}')
    (tmp_path / "f").mkdir()
    story(tmp_path / "f", told)


def test_old_recordings_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entry = {"match": {"model": "a/b"}, "response": {"json": 1}, "recorded": {"at": "2020-01-01T00:00:00Z"}}
    (tmp_path / "a.json").write_text(json.dumps({"fixtures": [entry]}))

    def warnings() -> int:
        return sum("older than fal_max_age=90d" in message for message in caplog.messages)

    def told(rig: Rig) -> None:
        rig.set(fal_max_age="90d")
        rig.configuration.running()
        assert warnings() == 1
        rig.set(fal_pace="3s")
        assert warnings() == 1
        rig.set(fal_max_age="none")
        rig.set(fal_max_age="90d")
        assert warnings() == 2

    story(tmp_path, told)
