"""Secrets among the words of a command line."""

from __future__ import annotations

import pytest

from falmock.redaction.command_line import hidden
from falmock.redaction.command_line import url_without_secrets


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["npm", "test"], ["npm", "test"]),
        (["env", "MY_API_KEY=hunter2", "A=b", "python"], ["env", "MY_API_KEY=[hidden]", "A=b", "python"]),
        (["app", "--token=hunter2", "x"], ["app", "--token=[hidden]", "x"]),
        (["app", "--Api-Key", "hunter2", "x"], ["app", "--Api-Key", "[hidden]", "x"]),
        (["app", "-password", "--verbose", "x"], ["app", "-password", "--verbose", "x"]),
        (["app", "--secret"], ["app", "--secret"]),
        (["npm", "run", "auth", "tests"], ["npm", "run", "auth", "tests"]),
        (["app", "--url=https://x/?a=b"], ["app", "--url=https://x/?a=b"]),
        ([], []),
    ],
)
def test_values_of_secret_names(words: list[str], shown: list[str]) -> None:
    assert hidden(words) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://store:6379/1", "redis://store:6379/1"),
        ("redis://me:hunter2@store", "redis://[hidden]@store"),
        ("redis://:hun@ter2@store/1", "redis://[hidden]@store/1"),
        ("unix:///a.sock?db=1&password=hunter2&prefix=x", "unix:///a.sock?db=1&password=[hidden]&prefix=x"),
        ("memory", "memory"),
    ],
)
def test_secrets_in_a_url(url: str, shown: str) -> None:
    assert url_without_secrets(url) == shown
