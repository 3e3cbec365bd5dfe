"""aimock's chaos: calls that fail by chance, asked for by headers of a call or for all calls of a scope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.engine.injected_fault import Chance

DROP, MALFORMED, DISCONNECT, RATE_LIMIT = "dropRate", "malformedRate", "disconnectRate", "rateLimitRate"
LATENCY = "latencyMs"
RATES: Mapping[str, str] = {
    DROP: "x-aimock-chaos-drop",
    MALFORMED: "x-aimock-chaos-malformed",
    DISCONNECT: "x-aimock-chaos-disconnect",
    RATE_LIMIT: "x-aimock-chaos-ratelimit",
}
"""Each rate and the header that sets it, in the order in which they are tried."""
LONGEST = 30_000
"""The longest latency in milliseconds."""
FIELDS: Mapping[str, str] = {**RATES, LATENCY: "x-aimock-chaos-latency"}
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,12})?|\.\d{1,12}")

Chaos = Mapping[str, float]
"""What goes wrong how often: rates from 0 to 1, and a latency in milliseconds."""


class BadChaos(ValueError):
    """Chaos that cannot be read; the text says where, what was found and what is expected."""


class Struck(NamedTuple):
    """What chaos does to a call: `by` names the rate that struck it, None for none; it waits for `delay` seconds."""

    by: str | None = None
    delay: float = 0.0


def of_headers(headers: Mapping[str, str]) -> Chaos:
    """The chaos that the headers of a call ask for. Raises BadChaos."""
    found = {}
    for field, header in FIELDS.items():
        text = headers.get(header, "").strip()
        if text:
            found[field] = _checked(field, float(text) if _NUMBER.fullmatch(text) else text, header)
    return found


def of_json(value: Any) -> Chaos:
    """The chaos in a JSON object. Raises BadChaos."""
    if not isinstance(value, dict):
        raise BadChaos("Invalid body: expected a JSON object")
    for key in value:
        if key not in FIELDS:
            raise BadChaos(f"Unknown chaos field: {key!r}, expected {', '.join(FIELDS)}")
    return {field: _checked(field, value[field], field) for field in FIELDS if field in value}


def _checked(field: str, number: Any, place: str) -> float:
    most = LONGEST if field == LATENCY else 1
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not is_number or not 0 <= number <= most or (field == LATENCY and number != int(number)):
        kind = "a whole number of ms" if field == LATENCY else "a number"
        raise BadChaos(f"Invalid {place!r}: must be {kind} between 0 and {most}, found {str(number)[:40]!r}")
    return int(number) if field == LATENCY else float(number)


def strike(chaos: Chaos, chance: Chance) -> Struck:
    """What this chaos does to a call with these chances."""
    delay = chaos.get(LATENCY, 0) / 1000
    by = next((field for field in RATES if chance.share(field) < chaos.get(field, 0)), None)
    return Struck(by, delay)
