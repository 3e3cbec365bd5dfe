"""The state that the parts of one engine share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from falmock.engine.config import Config
from falmock.engine.scopes import Scope
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.index import Index

NewId = Callable[[float], str]


@dataclass(slots=True)
class Context:
    """Only the engine changes it; its parts read it at every call and keep no copies.

    `new_id` makes a request id from the time (seconds since the epoch).
    """

    config: Config
    index: Index
    """The fixtures as calls match them: with added ones, without ignored parts."""
    scope: Scope
    new_id: NewId
    rules: tuple[Rule, ...] = ()
    """The fault rules, in order."""
