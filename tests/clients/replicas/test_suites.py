"""The tests of one falmock pass with several on one store, behind a balancer that deals each request anew.

Each suite runs in a pytest of its own, whose falmocks are started as `FALMOCK_TEST_REPLICAS` says.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from clients import running
from clients.replicas import group
from clients.running import CLIENTS

MITMPROXY = ("mitmdump", "flows")
"""For suites with calls of the control API through the proxy, where `falmock serve` knows no scope."""


class Suite(NamedTuple):
    """A file of tests, what it is about, and the falmocks it runs with. What `without` names is about one process."""

    file: str
    about: str
    kinds: tuple[str, ...] = group.MIXED
    without: tuple[str, ...] = ()


SUITES = (
    Suite("test_queue_defaults.py", "queue"),
    Suite("test_python_client.py", "queue, uploads, tokens"),
    Suite("test_contract.py", "queue, uploads, tokens"),
    Suite("test_openai.py", "images of OpenAI's clients", MITMPROXY),
    Suite(
        "test_webhooks.py",
        "webhooks",
        MITMPROXY,
        (
            "test_nothing_is_posted_to_an_address_elsewhere",  # each process tells once what it refused
            "test_what_is_under_way_when_mitmdump_ends_is_told",  # another goes on with it
            "test_attempts_are_flows_with_their_outcome",  # each process has flows of its own
            "test_in_auto_it_is_the_same_and_nothing_is_recorded",  # one falmock of a store records
            # where a webhook may go is what the one that posts it says
            "test_nothing_is_posted_to_hosts_that_are_not_allowed",
            "test_of_several_addresses_the_private_ones_are_tried_in_turn",
            "test_the_address_that_was_checked_is_the_one_that_gets_the_webhook",
            "test_behind_an_upstream_proxy_names_must_be_listed",
            "test_webhooks_leave_through_an_upstream_proxy",
            "test_redirects_are_not_followed",
        ),
    ),
    Suite(
        "test_sockets.py",
        "tokens, sockets",
        without=(  # a socket stays where it began
            "test_js_drops_what_waits_too_long",
            "test_python_drops_what_waits_too_long",
            "test_chromium",
        ),
    ),
    Suite("test_scopes.py", "sequences, scopes, verify", MITMPROXY),
    Suite(
        "test_control.py",
        "verify, journal, fixtures, jobs",
        MITMPROXY,
        (
            "test_the_own_port_directly_through_the_proxy_and_in_tls",  # the balancer's port has no TLS
            "test_reading_the_files_again",  # each process reads its files
            "test_schemathesis_finds_nothing",  # the forms of answers do not depend on the store
            "test_what_a_web_page_tries",
        ),
    ),
    Suite(
        "test_fault_rules.py",
        "faults",
        MITMPROXY,
        (
            "test_rules_are_read_again_when_their_file_changes",  # each process reads its files
            # one falmock of a store records
            "test_in_auto_an_error_goes_before_fal_and_the_header_never_reaches_it",
            "test_where_everything_is_forwarded_nothing_goes_wrong",
        ),
    ),
)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.file.removeprefix("test_").removesuffix(".py"))
def test_the_suite_passes(suite: Suite) -> None:
    group.needs_server()
    if running.REPLICAS:
        pytest.skip("this is such a pytest")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", str(CLIENTS / suite.file)]
    for name in suite.without:
        command += ["--deselect", f"{(CLIENTS / suite.file).relative_to(running.ROOT)}::{name}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=running.ROOT,
        env=env | {"FALMOCK_TEST_REPLICAS": ",".join(suite.kinds)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout
