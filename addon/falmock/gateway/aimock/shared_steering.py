"""What tests set for later calls by aimock's routes, in a store: a record for each scope."""

from __future__ import annotations

from functools import lru_cache

from falmock.engine.shared.current import Current
from falmock.engine.shared.forms import Form
from falmock.engine.shared.place import Place
from falmock.engine.shared.setup import KEPT
from falmock.engine.shared.setup import tag
from falmock.engine.shared.transaction import SETUP
from falmock.gateway.aimock.steering import NOTHING
from falmock.gateway.aimock.steering import Steered

_STEERED = Form("setting of aimock", 1, Steered)


@lru_cache(maxsize=1000)
def _read(data: bytes) -> Steered:
    return _STEERED.read(data)


class SharedSteeredScopes:
    """See SteeredScopes. A reset of a scope does not remove them; only aimock's does."""

    def __init__(self, current: Current) -> None:
        self._all = Place(current, "", KEPT)

    def _key(self, scope: str) -> str:
        return f"{{{tag(scope)}}}:aimock.{self._all.common.steered}{SETUP}"

    def get(self, scope: str) -> Steered:
        """See SteeredScopes. Raises NotLoaded."""
        return self._all.transaction.value(self._key(scope), _read) or NOTHING

    def put(self, scope: str, steered: Steered) -> None:
        """See SteeredScopes. Raises NotLoaded."""
        if steered != self.get(scope):
            value = None if steered == NOTHING else _STEERED.write(steered)
            self._all.transaction.put(self._key(scope), value, KEPT)

    def clear(self) -> None:
        """See SteeredScopes. Raises NotLoaded."""
        self._all.change_common(steered=self._all.common.steered + 1)
