"""From arguments to option values, and back to commands."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from falmock.cli import settings
from falmock.cli.serve_options import parser
from falmock.proxy import option_values
from falmock.proxy import options
from falmock.proxy.options import BadOption
from falmock.serving.own_ca.names import pattern
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role


def parsed(*arguments: str) -> argparse.Namespace:
    return parser().parse_args(arguments)


def test_values_with_their_defaults() -> None:
    given = settings.given(parsed("--pace", "3s", "--fixtures", "a", "--fixtures", "b", "--set", "fal_fixtures=c"))
    assert given == {"fal_fixtures": ["a", "b", "c"], "fal_pace": ["3s"]}
    values = settings.complete(given)
    assert set(values) == set(options.NAMES)
    assert values["fal_mode"] == ["replay"]
    assert values["fal_hosts"] == []
    assert option_values.parse(values, {}).pace_text == "3s"


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("fal_pase=1", "did you mean 'fal_pace'"),
        ("proxyauth=a:b", "expected an option of falmock's"),
        ("fal_pace", "expected fal_NAME=VALUE"),
    ],
)
def test_settings_that_are_none(setting: str, text: str) -> None:
    with pytest.raises(BadOption, match=text):
        settings.given(parsed("--set", setting))


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), "falmock serve"),
        (("--host", "0.0.0.0", "--port", "0"), "falmock serve --host 0.0.0.0 --port 0"),
        (("--mode", "replay", "--fixtures", "a b"), "falmock serve --fixtures 'a b'"),
        (("--confdir", "~/.mitmproxy"), "falmock serve --confdir '~/.mitmproxy'"),
        (("--set", "fal_pace=3s", "--trusted-ca", "x"), "falmock serve --trusted-ca x --pace 3s"),
        (("--control-token", "secret-token"), "falmock serve --control-token '[hidden]'"),
        (("--store", "redis://:x@a", "--workers", "2"), "falmock serve --workers 2 --store 'redis://[hidden]@a'"),
        (("--control-token", "env:TOKEN"), "falmock serve --control-token env:TOKEN"),
    ],
)
def test_the_command_for_messages(arguments: tuple[str, ...], shown: str) -> None:
    found = parsed(*arguments)
    assert settings.started_as(found, settings.given(found)) == shown


def test_some_options_only(capsys: pytest.CaptureFixture[str]) -> None:
    some = argparse.ArgumentParser("falmock check", allow_abbrev=False)
    settings.add_options(some, ("fal_hosts",))
    given = settings.given(some.parse_args(["--hosts", "a.test"]))
    assert given == {"fal_hosts": ["a.test"]}
    assert settings.with_flags("fal_hosts: no", some.parse_args(["--hosts", "a.test"])) == "--hosts: no"
    for unknown, hint in (("--host", "did you mean '--hosts'"), ("--set", "unrecognized arguments: --set")):
        with pytest.raises(SystemExit):
            settings.parse(some, [unknown, "a.test"])
        assert hint in capsys.readouterr().err


def test_the_mitmdump_that_does_the_same() -> None:
    found = parsed("--mode", "record", "--fixtures", "a", "--fixtures", "b", "--trusted-ca", "x", "--confdir", "~/c")
    assert settings.mitmdump_arguments(found, settings.given(found), Path("/home/me/c"), Hosts()) == [
        *("-s", str(settings.ADDON), "--listen-host", "127.0.0.1", "--listen-port", "8080"),
        *("--set", "confdir=~/c", "--set", "ssl_verify_upstream_trusted_ca=x"),
        *("--set", "fal_mode=record", "--set", "fal_fixtures=a", "--set", "fal_fixtures=b"),
    ]
    assert settings.ADDON.is_file()


def test_a_mitmdump_with_falmocks_ca_opens_fals_hosts_alone() -> None:
    found = parsed("--mode", "record", "--hosts", "fal.example.com")
    hosts = Hosts({"fal.example.com": Role.RUN})
    arguments = settings.mitmdump_arguments(found, settings.given(found), Path("/ca"), hosts)
    assert arguments[6:] == [
        *("--set", "confdir=/ca", "--set", f"allow_hosts={pattern(hosts.names)}", "--set", "upstream_cert=false"),
        *("--set", "fal_mode=record", "--set", "fal_hosts=fal.example.com"),
    ]
