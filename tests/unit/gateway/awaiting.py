"""Answers of doors, which come at once or later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from falmock.gateway.door import OfDoor


def answered(answer: OfDoor | Awaitable[OfDoor]) -> OfDoor:
    """The answer of a door, awaited if need be."""

    async def wait(coming: Awaitable[OfDoor]) -> OfDoor:
        return await coming

    return asyncio.run(wait(answer)) if isinstance(answer, Awaitable) else answer
