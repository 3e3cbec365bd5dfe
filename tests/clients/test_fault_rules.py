"""Rules for faults, read from a file by a real mitmdump: what they do run after run, and where they do nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients import tape
from clients.faulty import ANY
from clients.faulty import run
from clients.faulty import write_rules
from clients.running import exit_code
from clients.running import mitmdump
from clients.running import start
from clients.running import write_fixtures
from clients.upstream import recording
from clients.upstream import upstream


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_the_same_calls_meet_the_same_faults_in_every_run(confdir: Path, tmp_path: Path, suffix: str) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", ANY)

    def seen(seed: int) -> list[int]:
        rules = tmp_path / f"rules.{suffix}"
        if suffix == "toml":
            rules.write_text(f'seed = {seed}\n[[faults]]\nfault = {{ error = "runner_disconnected", rate = 0.4 }}\n')
        else:
            write_rules(rules, {"fault": {"error": "runner_disconnected", "rate": 0.4}}, seed=seed)
        with mitmdump(confdir, "--set", f"fal_faults={rules}", fixtures=fixtures) as mock, tape.client(mock) as client:
            return [run(client, "acme/x").status_code for _ in range(40)]

    first = seen(1)
    assert set(first) == {200, 503}
    assert 6 < first.count(503) < 26
    assert seen(1) == first
    assert seen(2) != first


def test_rules_are_read_again_when_their_file_changes(confdir: Path, tmp_path: Path) -> None:
    fixtures, path = write_fixtures(tmp_path / "fixtures", ANY), tmp_path / "rules.json"
    with (
        mitmdump(confdir, "--set", write_rules(path, {"fault": "nginx_502"}), fixtures=fixtures) as mock,
        tape.client(mock) as client,
    ):
        assert "1 rule for faults" in mock.output
        assert run(client, "acme/x").status_code == 502
        write_rules(path, {"fault": "nginx_503"}, {"fault": "nginx_504"})
        mock.wait_for("2 rules for faults")
        assert run(client, "acme/x").status_code == 503
        write_rules(path, {"fault": "ngnx_504"})
        mock.wait_for("did you mean 'nginx_504'?")
        assert "the old ones stay in use" in mock.output
        assert run(client, "acme/x").status_code == 503


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"faults": [{"fault": "mising"}]}', "$.faults[0].fault: unknown error \"mising\", did you mean 'missing'?"),
        ('{"faults": [{"fault": {"rate": 0.5}}]}', "$.faults[0].fault: expected at least one effect"),
        (None, "expected a fault file, found nothing at"),
    ],
)
def test_a_bad_file_stops_the_start(confdir: Path, tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "rules.json"
    if text is not None:
        path.write_text(text)
    fixtures = write_fixtures(tmp_path / "fixtures", ANY)
    options = ("-p", "0", "--set", f"fal_fixtures={fixtures}", "--set", f"fal_faults={path}")
    mock = start(confdir, *options)
    assert exit_code(mock) == 1
    assert f"{path}: {words}" in mock.output


# where calls go on to fal


def test_in_auto_an_error_goes_before_fal_and_the_header_never_reaches_it(confdir: Path, tmp_path: Path) -> None:
    rules = write_rules(tmp_path / "rules.json", {"match": {"model": "test/never"}, "fault": "exhausted_balance"})
    with (
        upstream() as fal,
        recording(confdir, fal, tmp_path / "fixtures", "--set", rules, mode="auto") as mock,
        tape.client(mock) as client,
    ):
        assert run(client, "test/echo", "runner_disconnected").status_code == 503
        assert run(client, "test/never").status_code == 403
        assert fal.seen == []
        assert run(client, "test/echo", {"latency": 0.01}).status_code == 200
        assert all("x-falmock-fault" not in asked.headers for asked in fal.seen)
        assert fal.seen


@pytest.mark.parametrize("mode", ["record", "passthrough"])
def test_where_everything_is_forwarded_nothing_goes_wrong(confdir: Path, tmp_path: Path, mode: str) -> None:
    rules = write_rules(tmp_path / "rules.json", {"fault": "nginx_503"})
    folder = write_fixtures(tmp_path / "fixtures")
    with (
        upstream() as fal,
        recording(confdir, fal, folder, "--set", rules, mode=mode) as mock,
        tape.client(mock) as client,
    ):
        assert f"fal_faults does nothing in mode {mode}" in mock.output
        assert run(client, "test/echo", "nginx_502").status_code == 200, "it was fal that answered"
        assert all("x-falmock-fault" not in asked.headers for asked in fal.seen)
