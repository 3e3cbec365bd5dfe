"""Measures CPU time and reports ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def report(name: str, ratios: list[float], limit: float, base: str) -> bool:
    """Print the median ratio with its limit; return whether the limit is met."""
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive")
    verdict = "ok" if ratio <= limit else "OVER"
    print(
        f"  {name:<44} {ratio:6.2f} x {base:<34} limit {limit:.2f}  {verdict}  (half of the rounds: {low:.2f}-{high:.2f})"
    )
    return ratio <= limit


def report_value(name: str, value: float, limit: float, unit: str, more: str = "") -> bool:
    """Print a figure with its limit; return whether the limit is met."""
    verdict = "ok" if value <= limit else "OVER"
    print(f"  {name:<44} {value:6.2f} {unit:<36} limit {limit:g}  {verdict}  {more}".rstrip())
    return value <= limit


def seconds_of(action: Callable[[], object], repeats: int) -> float:
    """The CPU time of one call of `action`, in seconds."""
    started = time.process_time()
    for _ in range(repeats):
        action()
    return (time.process_time() - started) / repeats
