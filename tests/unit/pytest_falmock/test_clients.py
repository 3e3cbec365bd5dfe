"""Clients that would not use the environment of a test."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import fal_client
import pytest
from pytest_falmock.clients import EnvironmentOfAiohttp
from pytest_falmock.clients import Renewed


@pytest.mark.parametrize("kept", [None, "a client"])
@pytest.mark.parametrize("differs", [False, True])
def test_they_make_new_ones(monkeypatch: pytest.MonkeyPatch, kept: Any, *, differs: bool) -> None:
    sync, async_ = vars(fal_client.sync_client), vars(fal_client.async_client)
    for each in (sync, async_):
        monkeypatch.setitem(each, "_client", kept)
        if kept is None:
            del each["_client"]
    renewed = Renewed(differs=differs)
    assert (sync.get("_client"), async_.get("_client")) == (None if differs else kept, None)
    sync["_client"] = async_["_client"] = "another"
    renewed.undo()
    assert (sync.get("_client"), async_.get("_client")) == (kept if differs else "another", None)


def test_fal_client_keeps_them_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "id:secret")
    client = fal_client.SyncClient()
    assert client._client is vars(client)["_client"]

    async def is_there() -> bool:
        client = fal_client.AsyncClient()
        await client._client
        return "_client" in vars(client)

    assert asyncio.run(is_there())


@pytest.mark.parametrize("usual", [False, True])
def test_aiohttp_uses_the_environment_by_default(monkeypatch: pytest.MonkeyPatch, *, usual: bool) -> None:
    class ClientSession:
        def __init__(self, *, trust_env: bool = usual) -> None:
            self.trust_env = trust_env

    monkeypatch.setitem(sys.modules, "aiohttp.client", SimpleNamespace(ClientSession=ClientSession))
    changed = EnvironmentOfAiohttp()
    assert ClientSession().trust_env
    assert not ClientSession(trust_env=False).trust_env
    changed.undo()
    assert ClientSession().trust_env is usual


@pytest.mark.parametrize("module", [None, SimpleNamespace(), SimpleNamespace(ClientSession=int)])
def test_there_is_no_aiohttp(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp.client", module)
    EnvironmentOfAiohttp().undo()


@pytest.mark.parametrize("module", [None, SimpleNamespace(), SimpleNamespace(sync_client=3, async_client=None)])
def test_there_are_none(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "fal_client", module)
    Renewed(differs=True).undo()
