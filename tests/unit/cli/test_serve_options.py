"""The options of `falmock serve`."""

from __future__ import annotations

import argparse
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from falmock.cli import serve_options
from falmock.cli import settings
from falmock.proxy import option_values
from falmock.proxy.options import OPTIONS
from falmock.proxy.options import Option


def parsed(*arguments: str) -> argparse.Namespace:
    return serve_options.parser().parse_args(arguments)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_has_two_flags(option: Option) -> None:
    short = option.name.removeprefix("fal_").replace("_", "-")
    found = parsed(f"--{short}", "a", f"--fal-{short}=b")
    assert getattr(found, option.name) == ["a", "b"]
    assert getattr(parsed(), option.name) is None


def test_defaults() -> None:
    found = parsed()
    assert (found.host, found.port, found.confdir, found.trusted_ca, found.settings) == (
        "127.0.0.1",
        8080,
        "",
        "",
        [],
    )


def test_what_they_are() -> None:
    given = ["--port", "0", "--idle-timeout", "30m", "--transparent-at", "1.2.3.4", "--observe", "a b"]
    found = parsed(*given)
    assert (found.port, found.idle_timeout) == (0, 1800.0)
    assert (found.transparent_at, found.observe) == (IPv4Address("1.2.3.4"), Path("a b"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["--port", "65536"], "expected a port from 0 to 65535, found '65536'"),
        (["--port", "-1"], "argument --port"),
        (["--port", "http"], "expected a port from 0 to 65535, found 'http'"),
        (["--idle-timeout", "soon"], "argument --idle-timeout: "),
        (["--idle-timeout", "0s"], "expected a time such as 30m, found '0s'"),
        (["--workers", "0"], "expected a number from 1 to 64, found '0'"),
        (["--workers", "65"], "expected a number from 1 to 64, found '65'"),
        (["--workers", "two"], "expected a number from 1 to 64, found 'two'"),
        (["--transparent-at", "::1"], "expected an IPv4 address such as 1.2.3.4, found '::1'"),
    ],
)
def test_bad_values(given: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parsed(*given)
    assert end.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], ""),
        (["--mode", "record"], "mode record has one recorder"),
        (["--mode", "auto"], "mode auto has one recorder"),
        (["--mode", "passthrough"], "mode passthrough is mitmproxy"),
        (["--transparent-at", "1.2.3.4"], "falmock run --transparent"),
        (["--observe", "seen"], "falmock doctor"),
        (["--store", "memory"], "--store redis://HOST"),
        (["--set", "fal_store=memory"], "the memory of one process"),
    ],
)
def test_what_only_one_worker_can_do(given: list[str], why: str) -> None:
    arguments = parsed("--workers", "2", *given)
    values = settings.given(arguments)
    told = serve_options.why_one_worker(arguments, values, option_values.parse(settings.complete(values)))
    assert why in told
    assert bool(told) == bool(given)
