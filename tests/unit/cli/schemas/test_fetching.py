"""`falmock schemas fetch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falmock.cli import main as main_
from falmock.cli.schemas import fetching
from falmock.recording.disk.schemas import MAX_DOCUMENT
from falmock.wire import provenance
from unit.cli.schemas.site import Site
from unit.cli.schemas.site import site

DOCUMENT: dict[str, Any] = {"openapi": "3.0.4", "info": {"title": "T"}, "paths": {}, "n": 1.0}
GOOD = (200, json.dumps(DOCUMENT).encode())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def run(there: Site, *words: str) -> int:
    return main_.main(["schemas", "fetch", "--url", there.url, *words])


def test_what_is_there_is_written_with_its_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with site({"a/b": GOOD}) as there:
        assert run(there, "a/b", "--into", str(tmp_path)) == 0
        assert run(there, "a/b", "--into", str(tmp_path)) == 0
        assert there.names == ["a/b"]
        assert run(there, "a/b", "--into", str(tmp_path), "--again") == 0
        assert there.names == ["a/b", "a/b"]
    target, headers = there.asked[0]
    assert target == "/api/openapi/queue/openapi.json?endpoint_id=a/b"
    assert "authorization" not in headers
    document = json.loads((tmp_path / "_schemas/a/b.json").read_text())
    assert provenance.plain(document) == DOCUMENT
    assert provenance.of(document)[:2] == ("fetched", there.url)
    assert capsys.readouterr().out.splitlines()[1].endswith("1 there already (--again replaces them)")


def test_what_does_not_come_is_told_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = {**DOCUMENT, "info": {"x-falmock-synthesized": True}}
    answers = {
        "a/b": GOOD,
        "a/html": (200, b"<html>"),
        "a/large": (200, b" " * (MAX_DOCUMENT + 1)),
        "a/list": (200, b"[]"),
        "a/made": (200, json.dumps(made).encode()),
        "a/moved": (307, b""),
    }
    with site(answers) as there:
        assert run(there, *answers, "a/gone", "--into", str(tmp_path)) == 1
    shown = capsys.readouterr()
    told = dict(line.removeprefix("falmock: ").split(": ", 1) for line in shown.err.splitlines())
    assert told.pop("a/html").startswith("line 1: expected JSON, found an error")
    assert told == {
        "a/gone": "fal has no schema of it (404)",
        "a/large": "it has more than 8 MiB",
        "a/list": "$: expected an OpenAPI document, found an array of 0",
        "a/made": "expected fal's own document, found one that a falmock made of its fixtures",
        "a/moved": "it was answered 307",
    }
    assert shown.out == f"schemas: 1 written to {tmp_path}/_schemas, 6 failed\n"


def test_without_an_answer_it_gives_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with site(dict.fromkeys(("a/1", "a/2", "a/4", "a/5", "a/6"), (0, b""))) as there:
        assert run(there, *(f"a/{number}" for number in range(1, 9)), "--into", str(tmp_path)) == 1
    assert there.names == [f"a/{number}" for number in range(1, 7)]
    assert capsys.readouterr().err.splitlines()[-1] == (
        "falmock: a/6: the connection ended before the answer did. After 3 requests without an answer the others are not tried"
    )


def test_the_ids_of_fixtures(tmp_path: Path) -> None:
    fixture = {"match": {"model": "a/b/stream"}, "response": {"json": {}}}
    (tmp_path / "f.json").write_text(json.dumps({"fixtures": [fixture]}))
    with site({"a/b": GOOD}) as there:
        assert run(there, "--from", str(tmp_path)) == 0
    assert (tmp_path / "_schemas/a/b.json").exists()


def test_many_need_a_word_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"a/{number}" for number in range(fetching.MOST + 1)]
    with site(dict.fromkeys(names, GOOD)) as there:
        assert run(there, *names, "--into", str(tmp_path)) == 2
        assert "expected at most 50 endpoint ids, found 51: --all fetches them all" in capsys.readouterr().err
        assert there.asked == []
        assert run(there, *names, "--into", str(tmp_path), "--all") == 0
        assert run(there, *names, "--into", str(tmp_path)) == 0
        assert len(there.asked) == 51


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "expected endpoint ids, or --from with fixtures that name some, found none"),
        (["a"], "'a' is not an endpoint id"),
        (["a/b", "--url", "fal.ai"], "--url: expected a URL such as https://fal.ai, found 'fal.ai'"),
        (["a/b", "--url", "http://[::"], "--url: expected a URL"),
        (["a/b", "--url", "http://u:p@x"], "--url: expected a URL"),
        (["a/b", "--trusted-ca", "/nowhere"], "--trusted-ca /nowhere: cannot be read: No such file or directory"),
    ],
)
def test_bad_arguments(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_.main(["schemas", "fetch", *words]) == 2
    assert text in capsys.readouterr().err


def test_fixtures_that_name_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_.main(["schemas", "fetch", "--from", str(tmp_path)]) == 2
    assert "found fixtures that name none" in capsys.readouterr().err


def test_they_are_spaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slept: list[float] = []
    monkeypatch.setattr(fetching, "PAUSE", 100.0)
    monkeypatch.setattr(fetching.time, "sleep", slept.append)
    with site({"a/b": GOOD, "a/c": GOOD}) as there:
        assert run(there, "a/b", "a/c", "--into", str(tmp_path)) == 0
    assert slept[0] == 0.0
    assert 90 < slept[1] <= 100
