"""Lines for GitHub Actions."""

from __future__ import annotations

from pathlib import Path

from falmock.cli import github


def test_an_annotation() -> None:
    assert github.annotation("error", "it is broken") == "::error::it is broken"
    assert github.annotation("warning", "a", file="a.json", line="", title="b") == "::warning file=a.json,title=b::a"
    assert (
        github.annotation("notice", "50 %\r\nof it: a, b", file="a:b,c%\n.json", line="3")
        == "::notice file=a%3Ab%2Cc%25%0A.json,line=3::50 %25%0D%0Aof it: a, b"
    )


def test_the_name_of_a_file_is_its_path_in_the_repository(tmp_path: Path) -> None:
    assert github.file_of("./fixtures/a.json", {}) == "fixtures/a.json"
    assert github.file_of("", {}) == ""
    above = {"GITHUB_WORKSPACE": str(Path.cwd().parent)}
    assert github.file_of("a.json", above) == f"{Path.cwd().name}/a.json"
    assert github.file_of(str(tmp_path / "a.json"), {"GITHUB_WORKSPACE": str(tmp_path)}) == "a.json"
