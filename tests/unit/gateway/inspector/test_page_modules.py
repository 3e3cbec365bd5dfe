"""The page's pure modules, tested by Node.js, and what is vendored for the page."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STATIC = Path(__file__).resolve().parents[4] / "addon" / "falmock" / "gateway" / "inspector" / "static"
VENDOR = STATIC / "vendor"
TESTS = sorted(HERE.glob("*.test.mjs"))
_ROW = re.compile(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", re.MULTILINE)
_RUNS_TEXT = re.compile(r"\beval\(|\bnew Function\b|\bdangerouslySetInnerHTML\b|\binnerHTML\b|\bdocument\.write\b")
_ELSEWHERE = re.compile(
    r"""^(?:import|export)\b[^;]*?\bfrom "(?!\.{1,2}/)|\bimport\(|^import "(?!\.{1,2}/)""", re.MULTILINE
)


@pytest.mark.parametrize("path", TESTS, ids=[path.name for path in TESTS])
def test_module(path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the page's modules are not tested")
    done = subprocess.run([node, "--test", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_vendored_files_are_those_of_the_table() -> None:
    listed = dict(_ROW.findall((VENDOR / "README.md").read_text("utf-8")))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    del found["README.md"]
    assert found == listed


def test_no_module_makes_code_or_html_of_text() -> None:
    """The page's policy (CSP) would refuse it."""
    own = {path: path.read_text("utf-8") for path in STATIC.rglob("*.js") if path.parent != VENDOR}
    assert len(own) > 10
    assert [path.name for path, text in own.items() if _RUNS_TEXT.search(text)] == []
    vendored = (VENDOR / "preact.js").read_text("utf-8")
    assert "eval(" not in vendored
    assert "new Function" not in vendored


def test_modules_come_from_this_folder_alone() -> None:
    assert [path.name for path in STATIC.rglob("*.js") if _ELSEWHERE.search(path.read_text("utf-8"))] == []
