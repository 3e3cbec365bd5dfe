"""fal_client's own clients, which keep the proxy of their first call."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import fal_client
import pytest
from pytest_falmock.clients import Renewed


@pytest.mark.parametrize("kept", [None, "a client"])
def test_they_make_new_ones_for_a_while(monkeypatch: pytest.MonkeyPatch, kept: Any) -> None:
    clients = [vars(fal_client.sync_client), vars(fal_client.async_client)]
    for each in clients:
        monkeypatch.delitem(each, "_client", raising=False)
        if kept is not None:
            monkeypatch.setitem(each, "_client", kept)
    renewed = Renewed()
    assert [each.get("_client") for each in clients] == [None, None]
    monkeypatch.setitem(clients[0], "_client", "another")
    renewed.undo()
    assert [each.get("_client") for each in clients] == [kept, kept]


def test_fal_client_keeps_it_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "id:secret")
    client = fal_client.SyncClient()
    assert client._client is vars(client)["_client"]


@pytest.mark.parametrize("module", [None, SimpleNamespace(), SimpleNamespace(sync_client=3, async_client=None)])
def test_there_is_none(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "fal_client", module)
    Renewed().undo()
