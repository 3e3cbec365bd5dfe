"""Has the process give memory back to the system as soon as it is free."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from contextlib import suppress

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of glibc's <malloc.h>."""
LARGE = 1024 * 1024
"""Blocks of this size (bytes) or more are given back when they are freed."""
_SOON = 0.5


def give_back() -> None:
    """Give large freed blocks back at once, for the rest of the process.

    By default, glibc keeps up to 64 MiB once a block of 32 MiB was freed: a large body would make the process larger for ever.
    Other C libraries do not have this setting.
    """
    with suppress(OSError, AttributeError, TypeError):  # TypeError: Windows has no library without a name
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGE)


def collect_soon() -> None:
    """Collect garbage in half a second: a socket that is over has its last message in a cycle of objects of mitmproxy's."""
    asyncio.get_running_loop().call_later(_SOON, gc.collect)
