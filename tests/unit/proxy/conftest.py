"""Ignores warnings from libraries that mitmproxy's addons import."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import mitmproxy.test.taddons  # noqa: F401

from collections.abc import Iterator

import pytest

from unit.proxy.screens import Printed
from unit.proxy.screens import printing


@pytest.fixture
def printed() -> Iterator[Printed]:
    """A dumper behind the guard, and what it prints."""
    with printing() as printed_:
        yield printed_
