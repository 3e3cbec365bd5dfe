"""What falmock tells at the end of a run, and at its start about old recordings."""

from __future__ import annotations

from pathlib import Path

import httpx

from clients import running
from clients import tape
from clients.running import mitmdump


def test_the_end_of_a_run(confdir: Path, tmp_path: Path) -> None:
    fixtures = running.write_fixtures(
        tmp_path / "fixtures",
        {"match": {"model": "a/one"}, "response": {"json": 1}, "recorded": {"at": "2020-01-01T00:00:00Z"}},
        {"match": {"model": "a/two"}, "response": {"json": 2}},
        {"match": {"model": "a/three"}, "response": {"json": 3}, "recorded": {"at": "2021-01-01T00:00:00Z"}},
    )
    with mitmdump(confdir, "--set", "fal_max_age=90d", fixtures=fixtures) as mock:
        with tape.client(mock, headers={"x-falmock-scope": "one"}) as app:
            assert app.post("https://fal.run/a/one", json={}).status_code == 200
        with tape.client(mock) as app:
            assert app.post("https://fal.run/a/two", json={}).status_code == 200
            assert app.post("https://fal.run/a/none", json={}).status_code == 404
        # What is asked of falmock itself is no call.
        dropped = httpx.delete(f"{mock.proxy}/__falmock/scopes/one", trust_env=False)
        assert dropped.status_code == 200
    assert mock.output.count("2 recordings are older than fal_max_age=90d; the oldest is ") == 1
    end = mock.output[mock.output.rindex(" 3 calls: ") :]
    assert end.startswith(" 3 calls: 2 replayed, 1 miss\n")
    assert "1 of 3 fixtures were never used: " in end
    assert "#2\n" in end
    assert "the oldest recording is " in end
    assert "#0\n" in end


def test_a_run_without_calls_ends_quietly(confdir: Path, tmp_path: Path) -> None:
    fixtures = running.write_fixtures(tmp_path / "fixtures", {"match": {"model": "a/b"}, "response": {"json": 1}})
    with mitmdump(confdir, fixtures=fixtures) as mock:
        pass
    assert " calls: " not in mock.output
    assert "never used" not in mock.output
