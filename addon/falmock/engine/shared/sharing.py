"""What an engine needs so that its state is in a store."""

from __future__ import annotations

from typing import NamedTuple

from falmock.engine.shared.background import Background
from falmock.engine.shared.current import Current


class Sharing(NamedTuple):
    """The transaction that the views of the state use, and what decides for what cannot wait."""

    current: Current
    background: Background
