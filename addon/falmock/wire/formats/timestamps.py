"""Times as texts."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime


def utc_text(at: float, precision: str = "seconds") -> str:
    """A time (seconds since the epoch) in ISO 8601, such as `2026-01-31T12:00:00Z`; `precision` is a timespec of `isoformat`.

    What is finer is cut off.
    """
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
