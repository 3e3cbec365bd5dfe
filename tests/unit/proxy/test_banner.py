from __future__ import annotations

import pytest

import falmock
from falmock.engine.config import Config
from falmock.engine.config import Inspector
from falmock.engine.config import Mode
from falmock.fixtures.disk.loader import LoadedFixtures
from falmock.proxy.banner import banner
from falmock.proxy.banner import inspector
from falmock.proxy.banner import unavailable
from falmock.wire.formats import compression
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from unit.engine.calls import index_of

ONE = LoadedFixtures(index_of({"match": {"model": "a/b"}, "response": {"json": 1}}), 1, ())
TWO = LoadedFixtures(index_of(*[{"match": {"model": f"a/{name}"}, "response": {"json": 1}} for name in "bc"]), 2, ())
OURS = Hosts({"fal.example.com": Role.RUN})


def test_how_falmock_works() -> None:
    hosts = len(Hosts())
    assert banner(Config(), ONE, ("./fixtures", "more")) == (
        f"falmock {falmock.__version__}: mode replay; 1 fixture in 1 file from ./fixtures, more; pace instant; "
        f"{hosts} hosts; nothing leaves: no connection to fal is made; "
        "webhooks go to loopback and private addresses only; calls do not go through flows, which is faster"
    )
    assert f"; {hosts + 1} hosts (yours: fal.example.com); " in banner(Config(hosts=OURS), ONE, ("f",))
    assert banner(Config(), ONE, ("f",), flows="a reason").endswith("; calls go through flows (a reason)")
    assert "; pace instant; state in redis://a:6379/0; " in banner(Config(), ONE, ("f",), store="redis://a:6379/0")


@pytest.mark.parametrize(
    ("mode", "end"),
    [
        (
            Mode.AUTO,
            "what no fixture answers is FORWARDED to fal and billed; "  # noqa: ISC004
            "webhooks go to loopback and private addresses only; recordings go to one",
        ),
        (Mode.RECORD, "every call is FORWARDED to fal and billed; recordings go to one"),
        (Mode.PASSTHROUGH, "every call is FORWARDED to fal and billed"),
    ],
)
def test_where_calls_go(mode: Mode, end: str) -> None:
    assert banner(Config(mode=mode), TWO, ("one", "two")).endswith(f"; {end}")


def test_where_webhooks_go() -> None:
    line = banner(Config(webhook_hosts=("localhost", "*.ex.com")), ONE, ("f",))
    assert line.endswith(
        "; nothing leaves except webhooks to localhost, *.ex.com: no connection to fal is made; "
        "webhooks go to localhost, *.ex.com only; calls do not go through flows, which is faster"
    )


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.RECORD])
def test_an_import_forwards_nothing(mode: Mode) -> None:
    line = banner(Config(mode=mode), TWO, ("one",), "captures/")
    assert line.endswith("; imports captures/, and forwards nothing; recordings go to one")


def test_where_the_inspector_is() -> None:
    """The token is not in the line: it is logged."""
    url = "http://127.0.0.1:8080"
    where = f"the inspector, which shows what happens, is at {url}/__falmock/"
    assert inspector(url, Config()) == inspector(url, Config(inspector=Inspector.READ)) == [where]
    assert inspector(url, Config(inspector=Inspector.OFF)) == []
    (line,) = inspector(url, Config(control_token="secret-enough"))
    assert line == f"{where}; it needs the token: put #token=TOKEN behind this address"


def test_what_cannot_be_done_for_want_of_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unavailable() == []
    monkeypatch.setattr(compression, "ZSTD", None)
    (line,) = unavailable()
    assert line.startswith("event streams compressed with zstd cannot be recorded")
