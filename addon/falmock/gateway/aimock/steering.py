"""What tests set for later calls by aimock's routes, by scope: chaos, and one-shot errors."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple
from typing import Protocol

from falmock.engine.injected_fault import SeededRandom
from falmock.fixtures.model import Worded

LIMIT = 1000
"""How many scopes with settings are kept in memory, and how many errors of one; beyond that, the oldest are dropped."""


Chaos = Mapping[str, int | float]
"""Rates of failures from 0 to 1, and a latency in milliseconds."""


class OneError(NamedTuple):
    """An error that answers the next call."""

    status: int
    worded: Worded


class Steered(NamedTuple):
    """What was set for one scope, and how many of its calls had random numbers."""

    chaos: Chaos | None = None
    errors: tuple[OneError, ...] = ()
    calls: int = 0


NOTHING = Steered()


class SteeredScopes(Protocol):
    """Where the settings of all scopes are."""

    def get(self, scope: str) -> Steered:
        """Those of a scope, or NOTHING."""

    def put(self, scope: str, steered: Steered) -> None:
        """Set those of a scope; NOTHING removes them."""

    def clear(self) -> None:
        """Remove those of all scopes."""


class _InMemory:
    """See SteeredScopes. The scopes that were changed longest ago are dropped first, but not the shared one."""

    def __init__(self) -> None:
        self._scopes: OrderedDict[str, Steered] = OrderedDict()

    def get(self, scope: str) -> Steered:
        return self._scopes.get(scope, NOTHING)

    def put(self, scope: str, steered: Steered) -> None:
        self._scopes.pop(scope, None)
        if steered != NOTHING:
            self._scopes[scope] = steered
            if len(self._scopes) > LIMIT:
                del self._scopes[next(name for name in self._scopes if name)]

    def clear(self) -> None:
        self._scopes.clear()


class Steering:
    """The settings of all scopes. Those of "" apply to every scope without its own."""

    def __init__(self) -> None:
        self.scopes: SteeredScopes = _InMemory()
        """Where they are."""

    def chaos(self, scope: str) -> Chaos:
        """The chaos of a scope: its own, which may be empty, or else that of all scopes."""
        own = self.scopes.get(scope).chaos
        return (self.scopes.get("").chaos or {}) if own is None else own

    def set_chaos(self, scope: str, chaos: Chaos | None) -> None:
        """Set the chaos of a scope; None: use that of all scopes."""
        self.scopes.put(scope, self.scopes.get(scope)._replace(chaos=chaos))

    def add_error(self, scope: str, error: OneError) -> None:
        """Queue an error for the next call in a scope, or in any scope for ""."""
        before = self.scopes.get(scope)
        self.scopes.put(scope, before._replace(errors=(*before.errors, error)[-LIMIT:]))

    def take_error(self, scope: str) -> OneError | None:
        """Remove and return the next error for a call in a scope; None if there is none."""
        for name in (scope, ""):
            before = self.scopes.get(name)
            if before.errors:
                self.scopes.put(name, before._replace(errors=before.errors[1:]))
                return before.errors[0]
        return None

    def rng(self, scope: str) -> SeededRandom:
        """The random numbers for the next call in a scope: equal in every run for the same order of calls."""
        before = self.scopes.get(scope)
        self.scopes.put(scope, before._replace(calls=before.calls + 1))
        return SeededRandom(0, f"aimock chaos\0{scope}", before.calls + 1)

    def forget(self, scope: str) -> None:
        """Remove the settings of a scope."""
        self.scopes.put(scope, NOTHING)

    def forget_all(self) -> None:
        """Remove the settings of all scopes."""
        self.scopes.clear()


DROP, MALFORMED, DISCONNECT, RATE_LIMIT = "dropRate", "malformedRate", "disconnectRate", "rateLimitRate"
LATENCY = "latencyMs"
RATES: Mapping[str, str] = {
    DROP: "x-aimock-chaos-drop",
    MALFORMED: "x-aimock-chaos-malformed",
    DISCONNECT: "x-aimock-chaos-disconnect",
    RATE_LIMIT: "x-aimock-chaos-ratelimit",
}
"""Each rate and its header, in the order in which they are tried."""
LONGEST = 30_000
"""The longest latency in milliseconds."""
FIELDS: Mapping[str, str] = {**RATES, LATENCY: "x-aimock-chaos-latency"}
_HEADERS = frozenset(FIELDS.values())
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,12})?|\.\d{1,12}")


class BadChaos(ValueError):
    """Chaos that cannot be read; the text says where, what was found and what is expected."""


class InjectedChaos(NamedTuple):
    """The chaos injected into a call: `by` is the rate that applies, None for none; `delay` is in seconds."""

    by: str | None = None
    delay: float = 0.0


def of_headers(headers: Mapping[str, str]) -> Chaos:
    """The chaos in the headers of a call. Raises BadChaos."""
    found: dict[str, float] = {}
    if _HEADERS.isdisjoint(headers):
        return found
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


def injected(chaos: Chaos, rng: SeededRandom) -> InjectedChaos:
    """The chaos to inject into a call with these random numbers."""
    delay = chaos.get(LATENCY, 0) / 1000
    by = next((field for field in RATES if rng.share(field) < chaos.get(field, 0)), None)
    return InjectedChaos(by, delay)
