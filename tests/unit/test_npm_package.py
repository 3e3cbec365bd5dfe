"""The npm package agrees with this version of falmock: its types are those of the control API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import falmock
from falmock.serving import ready

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "addon" / "npm"


def test_the_types_are_those_of_the_control_api() -> None:
    """Else run scripts/control-types."""
    program = "import runpy, sys; print(runpy.run_path(sys.argv[1])['current'](), end='')"
    script = str(ROOT / "scripts" / "control_types.py")
    made = subprocess.run([sys.executable, "-c", program, script], capture_output=True, text=True, check=True)
    assert (PACKAGE / "control.d.ts").read_text("utf-8") == made.stdout
    assert "  webhook: {" in made.stdout, "a shape or null has a type"


def test_the_versions_agree() -> None:
    assert json.loads((PACKAGE / "package.json").read_text("utf-8"))["version"] == falmock.__version__
    assert f"const CONTROL = {ready.CONTROL};" in (PACKAGE / "lib" / "server.cjs").read_text("utf-8")


def test_it_depends_on_nothing_and_has_the_licence() -> None:
    package = json.loads((PACKAGE / "package.json").read_text("utf-8"))
    assert "dependencies" not in package
    assert set(package["peerDependenciesMeta"]) == set(package["peerDependencies"])
    assert (PACKAGE / "LICENSE").read_text("utf-8") == (ROOT / "LICENSE").read_text("utf-8")
