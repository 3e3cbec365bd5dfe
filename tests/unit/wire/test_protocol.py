"""Citations: the sections of PROTOCOL.md and the documents that files of the repository name are there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from falmock.wire import hosts

ROOT = Path(__file__).resolve().parents[3]
PROTOCOL = Path(hosts.__file__).with_name("PROTOCOL.md")
HEADING = re.compile(r"^##+ (\d+(?:\.\d+)?)\.? ", re.MULTILINE)
NOT_OURS = frozenset({"__pycache__", "node_modules", "dist", "demo-output"})
"""Folders that git does not keep, besides those whose names begin with a dot."""
WRITTEN = frozenset({"", ".cjs", ".cnf", ".html", ".js", ".md", ".mjs", ".py", ".sh", ".toml"})
"""The kinds of file that may cite; "" are the scripts."""
GAP = r"(?:\s|#|//)+"
"""Between two words of a comment, which may be on two lines."""
NUMBER = r"\d+(?:\.\d+)*"
CITATION = re.compile(
    rf"(?P<document>PROTOCOL\.md{GAP}|RFC \d+,?{GAP}|WHATWG HTML,?{GAP})?"
    rf"\bsections?{GAP}(?P<numbers>{NUMBER}(?:(?:,|,?{GAP}and|{GAP}to){GAP}{NUMBER})*)"
)
DOCUMENT = re.compile(r"[\w./-]*\w\.md\b")
MADE_UP = frozenset({"readme.md", "missing.md", "THIRD-PARTY-NOTICES.md"})
"""Names of documents that tests and scripts write."""


class Citation(NamedTuple):
    """A section that a file cites. `document` is "" where the file does not say whose it is."""

    document: str
    number: str
    line: int


def citations(text: str) -> Iterator[Citation]:
    for found in CITATION.finditer(text):
        document = (found["document"] or "").strip("#/, \n")
        for number in re.findall(NUMBER, found["numbers"]):
            yield Citation(document, number, text.count("\n", 0, found.start("numbers")) + 1)


@cache
def texts() -> dict[Path, str]:
    found = {}
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in NOT_OURS and not name.startswith(".")]
        for path in (Path(folder, file) for file in files):
            if path.suffix in WRITTEN:
                found[path] = path.read_text("utf-8", errors="replace")
    return found


@cache
def headings() -> frozenset[str]:
    return frozenset(HEADING.findall(PROTOCOL.read_text("utf-8")))


def is_there(document: str, path: Path) -> bool:
    """Whether `document` is a path from the root or from the folder of `path`, or the end of a document's path."""
    if (ROOT / document).is_file() or (path.parent / document).is_file():
        return True
    return any(other.as_posix().endswith(f"/{document}") for other in texts() if other.suffix == ".md")


def test_each_cited_section_is_there() -> None:
    cited = [
        (path, citation)
        for path, text in texts().items()
        for citation in citations(text)
        if citation.document == PROTOCOL.name or (path == PROTOCOL and not citation.document)
    ]
    assert {path for path, _ in cited} > {PROTOCOL}
    assert [f"{path}:{cite.line}: {cite.number}" for path, cite in cited if cite.number not in headings()] == []


def test_each_citation_says_whose_section_it_is() -> None:
    nameless = [
        f"{path}:{citation.line}: {citation.number}"
        for path, text in texts().items()
        for citation in citations(text)
        if path != PROTOCOL and not citation.document
    ]
    assert nameless == []


def test_each_cited_document_is_there() -> None:
    missing = [
        f"{path}: {document}"
        for path, text in texts().items()
        for document in set(DOCUMENT.findall(text))
        if document.rpartition("/")[2] not in MADE_UP
        if not is_there(document, path)
    ]
    assert missing == []


def test_sections_are_numbered_without_gaps() -> None:
    numbers = HEADING.findall(PROTOCOL.read_text("utf-8"))
    chapters = [number for number in numbers if "." not in number]
    assert chapters == [str(chapter) for chapter in range(13)]
    for chapter in chapters:
        parts = [number for number in numbers if number.startswith(f"{chapter}.")]
        first = 0 if f"{chapter}.0" in parts else 1
        assert parts == [f"{chapter}.{part}" for part in range(first, first + len(parts))]


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("(PROTOCOL.md section {})", [("PROTOCOL.md", "3.2")]),
        (
            "PROTOCOL.md\n    # sections {}, 5 and 6",
            [("PROTOCOL.md", "3.2"), ("PROTOCOL.md", "5"), ("PROTOCOL.md", "6")],
        ),
        ("PROTOCOL.md sections {} to 7.3).", [("PROTOCOL.md", "3.2"), ("PROTOCOL.md", "7.3")]),
        ("as in section {}.", [("", "3.2")]),
        ("RFC 6455, section {}.1", [("RFC 6455", "3.2.1")]),
        ("a section of 3", []),
    ],
)
def test_citations_are_found(text: str, cited: list[tuple[str, str]]) -> None:
    assert [(citation.document, citation.number) for citation in citations(text.format("3.2"))] == cited
