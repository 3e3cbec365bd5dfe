"""The options of a run, read as words."""

from __future__ import annotations

import pytest

from falmock.cli.launch import words


@pytest.mark.parametrize(
    ("given", "token"),
    [
        ([], ""),
        (["--pace", "3s"], ""),
        (["--control-token", "abc"], "abc"),
        (["--control-token=abc"], "abc"),
        (["--fal-control-token", "abc"], "abc"),
        (["--set", "fal_control_token=abc"], "abc"),
        (["--set=fal_control_token=abc"], "abc"),
        (["--control-token", "abc", "--control-token", "def"], "def"),
        (["--control-token", "env:TOKEN_OF_TEST"], "from-there"),
        (["--control-token", "env:NOT_THERE"], ""),
        (["--fixtures", "--control-token"], ""),
        (["--control-token"], ""),
    ],
)
def test_the_control_token(given: list[str], token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_TEST", "from-there")
    assert words.control_token(given) == token


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], "falmock run --mode {mode} -- npm test"),
        (
            ["--mode", "auto", "--fixtures", "my fixtures"],
            "falmock run --mode {mode} --fixtures 'my fixtures' -- npm test",
        ),
        (["--set", "fal_mode=auto", "--pace=3s"], "falmock run --mode {mode} --pace 3s -- npm test"),
        (["--control-token", "very-secret"], "falmock run --mode {mode} --control-token [hidden] -- npm test"),
        (
            ["--set", "fal_control_token=very-secret"],
            "falmock run --mode {mode} --fal-control-token [hidden] -- npm test",
        ),
        (["--store", "redis://:hunter2@a"], "falmock run --mode {mode} --store 'redis://[hidden]@a' -- npm test"),
        (["--control-token", "env:TOKEN"], "falmock run --mode {mode} --control-token env:TOKEN -- npm test"),
    ],
)
def test_the_command_in_messages(given: list[str], shown: str) -> None:
    assert words.started_as(given, ["npm", "test"]) == shown


def test_secrets_of_the_program_are_not_in_messages() -> None:
    shown = words.started_as([], ["env", "API_KEY=hunter2", "app", "--token", "hunter2"])
    assert shown == "falmock run --mode {mode} -- env 'API_KEY=[hidden]' app --token '[hidden]'"


@pytest.mark.parametrize(
    ("given", "several"),
    [
        ([], False),
        (["--pace", "3s", "--workers", "2"], True),
        (["--workers=1"], False),
        (["--workers=2", "--workers=1"], False),
        (["--workers"], False),
        (["--workers", "two"], False),
    ],
)
def test_several_workers(given: list[str], *, several: bool) -> None:
    assert words.has_several_workers(given) is several


def test_further_hosts() -> None:
    given = ["--hosts", "a.example", "--pace", "3s", "--set", "fal_hosts=b.example=cdn", "--fal-hosts=c.example"]
    assert words.hosts(given) == ["a.example", "b.example=cdn", "c.example"]
