"""The distribution: what it shares with falmock's."""

from __future__ import annotations

from pathlib import Path

import pytest_falmock

import falmock

ROOT = Path(__file__).resolve().parents[3]


def test_it_has_falmocks_version_and_licence() -> None:
    assert pytest_falmock.__version__ == falmock.__version__
    assert (ROOT / "addon" / "pytest-falmock" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
