"""What tests asked of aimock's routes for the calls to come, by scope: chaos, and errors that strike once."""

from __future__ import annotations

from collections import Counter
from collections import OrderedDict
from collections import deque
from typing import NamedTuple

from falmock.engine.injected_fault import Chance
from falmock.fixtures.model import Worded
from falmock.gateway.aimock_chaos import Chaos

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

    def chance(self, scope: str) -> Chance:
        """The chances of the next call in a scope: the same calls in the same order have the same in every run."""
        if len(self._calls) > LIMIT and scope not in self._calls:
            self._calls.clear()
        self._calls[scope] += 1
        return Chance(0, f"aimock chaos\0{scope}", self._calls[scope])

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
