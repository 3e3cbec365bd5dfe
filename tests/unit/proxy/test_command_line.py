"""The command that started mitmproxy, as messages repeat it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.proxy.command_line import started_as
from falmock.redaction.patterns import HIDDEN


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["/venv/bin/mitmdump", "-s", "addon/falmock_addon.py"], "mitmdump -s addon/falmock_addon.py"),
        (["/venv/bin/mitmweb", "-s", "a b.py", "-p", "9000"], "mitmweb -s 'a b.py' -p 9000"),
        (["/usr/lib/python/mitmproxy/tools/main.py", "-p", "1"], "mitmdump -p 1"),
        ([], "mitmdump"),
        (["mitmdump", "--set", "fal_mode=replay", "--set", "fal_pace=3s"], "mitmdump --set fal_pace=3s"),
        (["mitmdump", "--set=fal_mode=replay", "--set=fal_pace=3s"], "mitmdump --set fal_pace=3s"),
        (["mitmdump", "--set", "fal_mode", "-q"], "mitmdump -q"),
        (["mitmdump", "--proxyauth", "me:secret", "-q"], f"mitmdump --proxyauth {shlex.quote(HIDDEN)} -q"),
        (["mitmdump", "--proxyauth=me:secret"], f"mitmdump {shlex.quote(f'--proxyauth={HIDDEN}')}"),
        (["mitmdump", "--proxya", "me:secret"], f"mitmdump --proxya {shlex.quote(HIDDEN)}"),
        (["mitmdump", "--upstream-auth", "me:secret"], f"mitmdump --upstream-auth {shlex.quote(HIDDEN)}"),
        (["mitmdump", "--set", "proxyauth=me:x"], f"mitmdump --set {shlex.quote(f'proxyauth={HIDDEN}')}"),
        (["mitmdump", "--set", "fal_control_token=t"], f"mitmdump --set {shlex.quote(f'fal_control_token={HIDDEN}')}"),
        (["mitmdump", "--set", "fal_control_token=env:T"], "mitmdump --set fal_control_token=env:T"),
        (
            ["mitmdump", "--set", "fal_store=redis://:x@a"],
            f"mitmdump --set {shlex.quote(f'fal_store=redis://{HIDDEN}@a')}",
        ),
        (["mitmdump", "--set"], "mitmdump --set ''"),
    ],
)
def test_the_command(arguments: list[str], expected: str) -> None:
    assert started_as(arguments) == expected


@given(st.lists(st.text(st.characters(exclude_characters="-="), min_size=1), max_size=5))
def test_a_shell_reads_what_was_given(arguments: list[str]) -> None:
    assert shlex.split(started_as(["mitmdump", *arguments])) == ["mitmdump", *arguments]
