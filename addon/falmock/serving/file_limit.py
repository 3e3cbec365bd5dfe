"""How many files and sockets this process may have open."""

from __future__ import annotations

import contextlib
import sys

if sys.platform != "win32":
    import resource

_FILES = (65536, 10240)
"""The limits to try, in this order: macOS refuses the first. Every stream takes four."""


def raise_file_limit() -> None:
    """Raise the process's limit of open files as far as allowed: a shell's usual 1024 is enough for only 250 streams.

    Windows has no such limit.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for files in _FILES:
        limit = files if hard == resource.RLIM_INFINITY else min(files, hard)
        if soft == resource.RLIM_INFINITY or soft >= limit:
            return
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return
