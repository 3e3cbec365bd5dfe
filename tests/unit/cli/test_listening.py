"""What keeps a server from listening."""

from __future__ import annotations

import errno

from falmock.cli import listening


def test_a_port_that_is_taken() -> None:
    told = listening.problem("127.0.0.1", 80, OSError(errno.EADDRINUSE, "Address already in use"))
    assert told.startswith("port 80 is taken at 127.0.0.1: stop what listens there")


def test_anything_else() -> None:
    assert listening.problem("::1", 80, OverflowError("too large")) == "cannot listen at [::1]:80: too large"
