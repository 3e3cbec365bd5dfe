"""What tests asked of aimock's routes for the calls to come, by scope: chaos, and errors that strike once."""

from __future__ import annotations

import re
from collections import Counter
from collections import OrderedDict
from collections import deque
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.engine.injected_fault import SeededRandom
from falmock.fixtures.model import Worded

LIMIT = 1000
"""How many scopes with chaos, errors or counts are kept, and how many errors of one; the oldest go first."""


class OneError(NamedTuple):
    """An error that the next call is answered with."""

    status: int
    worded: Worded


class Steering:
    """The wishes of all scopes. Those for "" hold for every scope that has none of its own."""

    def __init__(self) -> None:
        self._chaos: OrderedDict[str, Chaos] = OrderedDict()
        self._errors: OrderedDict[str, deque[OneError]] = OrderedDict()
        self._calls: Counter[str] = Counter()

    def chaos(self, scope: str) -> Chaos:
        """What goes wrong in a scope: its own chaos, which may be none, or else that of all."""
        return self._chaos[scope] if scope in self._chaos else self._chaos.get("", {})

    def set_chaos(self, scope: str, chaos: Chaos | None) -> None:
        """Have this go wrong in a scope from now on; None: what goes wrong in all."""
        self._chaos.pop(scope, None)
        if chaos is not None:
            self._chaos[scope] = chaos
            if len(self._chaos) > LIMIT:
                self._chaos.popitem(last=False)

    def add_error(self, scope: str, error: OneError) -> None:
        """Have the next call in a scope, or in any for "", answered with an error; after those that wait already."""
        self._errors.setdefault(scope, deque(maxlen=LIMIT)).append(error)
        if len(self._errors) > LIMIT:
            self._errors.popitem(last=False)

    def take_error(self, scope: str) -> OneError | None:
        """The error that a call in a scope is to be answered with, which is used up by that."""
        for name in (scope, ""):
            waiting = self._errors.get(name)
            if waiting:
                error = waiting.popleft()
                if not waiting:
                    del self._errors[name]
                return error
        return None

    def rng(self, scope: str) -> SeededRandom:
        """The chances of the next call in a scope: the same calls in the same order have the same in every run."""
        if len(self._calls) > LIMIT and scope not in self._calls:
            self._calls.clear()
        self._calls[scope] += 1
        return SeededRandom(0, f"aimock chaos\0{scope}", self._calls[scope])

    def forget(self, scope: str) -> None:
        """Forget what was asked of a scope."""
        self._chaos.pop(scope, None)
        self._errors.pop(scope, None)
        self._calls.pop(scope, None)

    def forget_all(self) -> None:
        """Forget what was asked of any scope."""
        self._chaos.clear()
        self._errors.clear()
        self._calls.clear()


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


class InjectedChaos(NamedTuple):
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


def injected(chaos: Chaos, rng: SeededRandom) -> InjectedChaos:
    """What this chaos does to a call with these chances."""
    delay = chaos.get(LATENCY, 0) / 1000
    by = next((field for field in RATES if rng.share(field) < chaos.get(field, 0)), None)
    return InjectedChaos(by, delay)
