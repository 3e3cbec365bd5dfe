"""Links between the documents lead somewhere: to a file of the repository, and to a heading that there is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = re.compile(r"(^|/)(\.|node_modules/)")
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not _NOT_OURS.search(path.relative_to(ROOT).as_posix()))
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?:(?!\1).)+\1", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(\s*([^)\s]+)\s*\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)? *$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")


@cache
def anchors(document: Path) -> frozenset[str]:
    """The names that GitHub gives the headings of a document; of equal ones the second ends in `-1`."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(_FENCE.sub("", document.read_text("utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = found[name] = found.get(name, -1) + 1
        if count:
            found[f"{name}-{count}"] = 0
    return frozenset(found)


def links(document: Path) -> list[str]:
    """What a document links to in the repository, outside of its code."""
    prose = _CODE.sub("code", _FENCE.sub("", document.read_text("utf-8")))
    return [target for target in _LINK.findall(prose) if not _ELSEWHERE.match(target)]


def broken(document: Path) -> list[str]:
    """The links of a document that lead nowhere."""
    return [target for target in links(document) if not _leads_somewhere(document, target)]


def _leads_somewhere(document: Path, target: str) -> bool:
    path, _, anchor = unquote(target).partition("#")
    file = (document.parent / path).resolve() if path else document
    if not file.exists() or not file.is_relative_to(ROOT):
        return False
    return not anchor or (file.suffix == ".md" and anchor in anchors(file))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document: Path) -> None:
    assert broken(document) == []


def test_links_are_found() -> None:
    assert sum(len(links(document)) for document in DOCUMENTS) > 50


@pytest.mark.parametrize(
    "target", ["missing.md", "#missing", "fixtures/README.md#missing", "pyproject.toml#it", "../x"]
)
def test_a_link_that_leads_nowhere(target: str) -> None:
    assert not _leads_somewhere(ROOT / "README.md", target)
