"""The TLS context of a server, and the CA that is made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from falmock.serving import ca
from falmock.serving import leaf
from falmock.serving import server_context
from falmock.serving.own_ca import folder as own_ca
from falmock.wire.hosts import Hosts

NOW = 1_800_000_000.0


def test_a_ca_is_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        server_context.made(tmp_path, ["fal.run"], NOW)
        made = (tmp_path / ca.FILE).read_bytes(), (tmp_path / leaf.FILE).read_bytes()
    server_context.made(tmp_path, ["fal.run"], NOW)
    assert ((tmp_path / ca.FILE).read_bytes(), (tmp_path / leaf.FILE).read_bytes()) == made


def test_falmocks_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(own_ca.HOME, str(tmp_path))
    names = Hosts().names
    server_context.made(own_ca.path(names), names, NOW)
    assert own_ca.is_own(own_ca.path(names))


def test_where_none_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        leaf.NoCertificate, match="no CA can be made in /dev/null/x, choose another folder with --confdir"
    ):
        server_context.made(Path("/dev/null/x"), ["fal.run"], NOW)
    monkeypatch.setenv(own_ca.HOME, "/dev/null/x")
    names = Hosts().names
    monkeypatch.setattr(own_ca, "is_own", lambda _: True)
    with pytest.raises(leaf.NoCertificate, match="or with --confdir"):
        server_context.made(own_ca.path(names), names, NOW)
