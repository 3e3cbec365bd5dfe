"""The report of a run in the control API."""

from __future__ import annotations

import falmock
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

COUNTS = ("calls", "replayed", "misses", "forwarded", "without_fixture")


def counts(steered: Steered) -> dict[str, int]:
    report = steered.ask("GET", "/report")
    return {name: report[name] for name in COUNTS}


def test_it_counts_all_scopes_also_dropped_ones() -> None:
    steered = Steered(answering(1), answering(2, "t/never"))
    steered.run("t/e")
    steered.run("t/e", scope="one")
    steered.run("t/none", {"prompt": "a dog"}, scope="one")
    steered.run("t/none", {"prompt": "a dog"}, scope="two")
    steered.call("POST", "https://rest.fal.ai/storage/upload/initiate", {"file_name": "a", "content_type": "b/c"})
    steered.ask("DELETE", "/scopes/one")
    report = steered.ask("GET", "/report")
    assert {name: report[name] for name in COUNTS} == dict(zip(COUNTS, (5, 2, 2, 0, 1), strict=True))
    assert (report["version"], report["mode"], report["fixtures"]) == (falmock.__version__, "replay", 2)
    (unused,) = report["unused"]
    assert unused.endswith("#1")


def test_a_miss_is_told_once_with_its_report() -> None:
    steered = Steered(answering(1, input={"prompt": "a cat"}))
    for prompt, times in (("a dog", 2), ("a cow", 1)):
        for _ in range(times):
            steered.run("t/e", {"prompt": prompt}, scope="one")
    first, second = steered.ask("GET", "/report")["missed"]
    assert (first["endpoint"], first["scope"], first["count"], second["count"]) == ("t/e", "one", 2, 1)
    assert 'expected "a cat", found "a dog"' in first["text"]


def test_only_the_first_misses_are_kept() -> None:
    steered = Steered()
    for number in range(205):
        steered.run("t/e", {"n": number})
    report = steered.ask("GET", "/report")
    assert (report["misses"], len(report["missed"])) == (205, 200)


def test_secrets_are_hidden() -> None:
    steered = Steered(answering(1, input={"prompt": "a cat"}))
    secret = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0:" + "0123456789abcdef" * 2
    steered.run("t/e", {"prompt": secret})
    assert secret not in steered.reply("GET", "/report").body.decode()


def test_what_was_just_recorded_is_not_unused() -> None:
    old, new = (
        {**answering(1, f"t/{at[:4]}"), "recorded": {"at": at}}
        for at in ("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    )
    steered = Steered(old, new)
    assert len(steered.ask("GET", "/report")["unused"]) == 2
    (unused,) = steered.ask("GET", "/report", since=1_700_000_000.5)["unused"]
    assert unused.endswith("#0")


def test_it_begins_anew() -> None:
    steered = Steered(answering(1))
    steered.run("t/e")
    steered.run("t/none")
    assert steered.ask("DELETE", "/report") == {"cleared": True}
    report = steered.ask("GET", "/report")
    assert counts(steered) == dict.fromkeys(COUNTS, 0)
    assert (report["missed"], len(report["unused"])) == ([], 1)
    steered.run("t/e")
    assert counts(steered)["calls"] == 1
