from __future__ import annotations

import asyncio
import ctypes
import gc
import weakref

import pytest

from falmock.proxy import memory


def test_a_c_library_without_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.give_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    memory.give_back()
    monkeypatch.setattr(ctypes, "CDLL", len)  # a TypeError, as on Windows
    memory.give_back()


def test_cycles_are_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.own = self

    monkeypatch.setattr(memory, "_SOON", 0.0)
    gone = weakref.ref(Cycle())

    async def wait() -> None:
        memory.collect_soon()
        await asyncio.sleep(0.05)

    gc.disable()
    try:
        assert gone() is not None
        asyncio.run(wait())
    finally:
        gc.enable()
    assert gone() is None
