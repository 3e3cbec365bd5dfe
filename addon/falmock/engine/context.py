"""The state that the parts of one engine share."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from falmock.engine.config import Config
from falmock.engine.scopes import Scope
from falmock.engine.shared.background import Background
from falmock.engine.synthesis.compiled_schemas import CompiledSchemas
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.match import Query
from falmock.synthesis.outputs.made import OutputMaker

NewId = Callable[[float], str]
Elsewhere = Callable[[Query, Sequence[str]], list[str]]
"""Returns the names of the other scopes in which a fixture answers a call; see `Engine.would_answer`."""


def nowhere(_: Query, __: Sequence[str]) -> list[str]:
    """There is no other scope."""
    return []


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
    elsewhere: Elsewhere = nowhere
    background: Background | None = None
    """Decides on shared state for what cannot wait; None if the state is in memory."""
    compiled: CompiledSchemas = field(default_factory=CompiledSchemas)
    """The schemas of models, which all scopes share."""

    def maker(self, name: str) -> OutputMaker:
        """The maker of outputs of the model `name`: by its document, else by fal's category of it or its id."""
        known = self.index.documents.find(name)
        return self.compiled.maker(known and known.document, name, self.index.documents.category(name))

    def makes(self, name: str) -> bool:
        """Whether calls to the model `name` that no fixture answers get made answers."""
        return self.config.makes_answers and self.maker(name).can_make
