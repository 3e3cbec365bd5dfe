"""What falmock tells at the end of a run, and at its start about old recordings."""

from __future__ import annotations

from collections.abc import Sequence

from falmock.engine.config import Config
from falmock.engine.totals import Totals
from falmock.fixtures import age
from falmock.fixtures.model import Fixture

NAMED = 3
"""How many unused fixtures are named."""


def lines(config: Config, totals: Totals, fixtures: Sequence[Fixture], started: float, now: float) -> list[str]:
    """The end of a run that began at `started`, line by line; nothing if there were no calls.

    `fixtures` are those on disk. Those recorded in this run do not count as unused.
    """
    if not totals.calls:
        return []
    found = [counts(totals, answers=config.mode.answers)]
    if not config.mode.answers:
        return found
    before = age.there_before(fixtures, started)
    unused = [fixture.label for fixture in before if fixture.label not in totals.used]
    if unused:
        found.append(never_used(unused, len(before)))
    oldest = age.oldest(fixtures)
    if oldest is not None:
        at, fixture = oldest
        found.append(f"the oldest recording is {age.told(now - at)} old: {fixture.label}")
    return found


def never_used(unused: Sequence[str], count: int) -> str:
    """The line about fixtures that were not used, by their labels; `count` is the number of fixtures."""
    more = f" and {len(unused) - NAMED} more" if len(unused) > NAMED else ""
    return f"{len(unused)} of {count} fixtures were never used: {', '.join(unused[:NAMED])}{more}"


def counts(totals: Totals, *, answers: bool) -> str:
    """What became of the calls. Where falmock `answers` from fixtures, also how many it did not answer, if that is none."""
    parts = [
        (totals.replayed, "replayed", answers),
        (totals.synthesized, "synthesized", False),
        (totals.misses, "misses" if totals.misses != 1 else "miss", answers),
        (totals.forwarded, "forwarded to fal", False),
        (totals.without_fixture, "answered without a fixture", False),
    ]
    counted = ", ".join(f"{count} {what}" for count, what, always in parts if count or always)
    return f"{totals.calls} call{'' if totals.calls == 1 else 's'}: {counted}"


def too_old(config: Config, fixtures: Sequence[Fixture], now: float) -> str:
    """The warning that recordings are older than `fal_max_age`; "" if none is."""
    if config.max_age is None or not config.mode.answers:
        return ""
    oldest, count = age.oldest(fixtures), age.older(fixtures, now - config.max_age)
    if oldest is None or not count:
        return ""
    at, fixture = oldest
    are = "recording is" if count == 1 else "recordings are"
    return (
        f"{count} {are} older than fal_max_age={config.max_age_text}; the oldest is {age.told(now - at)} old: "
        f"{fixture.label}. Record again with fal_mode=record"
    )
