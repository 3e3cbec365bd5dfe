"""The documents of models, each compiled when it is first used, for all scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import TypeVar

from falmock.fixtures.matching.canonical import FILE
from falmock.synthesis.checks import media_limits
from falmock.synthesis.checks.core_schema import Unresolvable
from falmock.synthesis.checks.input_check import InputCheck
from falmock.synthesis.checks.input_check import input_check
from falmock.synthesis.outputs.made import OutputMaker
from falmock.wire.formats import jsontext

LIMIT = 2000
"""How many documents are kept compiled; all are dropped when there are more."""
_LONGEST = 4000
"""Longer texts of inputs (characters) are not kept."""
Compiled = TypeVar("Compiled")
Table = dict[tuple[int, str, str | None], tuple[Any, Compiled]]
"""By the identity of a document, the endpoint id and the category: the document, and what was compiled."""


class CompiledSchemas:
    """Checks of inputs, and makers of outputs, by document and endpoint id. A document that cannot be used is told once."""

    def __init__(self) -> None:
        # By identity: comparing documents is slow. What is kept holds its document, so its identity stays unique.
        self._checks: Table[InputCheck | None] = {}
        self._makers: Table[OutputMaker] = {}
        self._limits: Table[bool] = {}
        self._untold: dict[str, str] = {}
        self._fine: dict[int, set[str]] = {}

    def check(self, document: Any, name: str) -> InputCheck | None:
        """The check of inputs of the model `name` by its document; None if its input cannot be resolved."""
        return self._kept(self._checks, (document, name, None), self._made_check)

    def limits_files(self, document: Any, name: str) -> bool:
        """Whether a document limits the files of inputs."""
        return self._kept(self._limits, (document, name, None), _has_limits)

    def is_fine(self, check: InputCheck, text: str) -> bool:
        """Whether an input with this canonical text was checked before, and there was nothing to say."""
        return text in self._fine.get(id(check), ())

    def note_fine(self, check: InputCheck, text: str) -> None:
        """Note an input about which there is nothing to say. Tests ask the same again and again."""
        if len(text) > _LONGEST or FILE in text:  # a file has one text, however its URL is written
            return
        known = self._fine.setdefault(id(check), set())
        if len(known) >= LIMIT:
            known.clear()
        known.add(text)

    def maker(self, document: Any, name: str, category: str | None = None) -> OutputMaker:
        """The maker of outputs of the model `name`; a model without a document has one that guesses.

        `category` is fal's category of the model, if that is known elsewhere than in the document.
        """
        return self._kept(self._makers, (document, name, category), OutputMaker)

    def take_trouble(self, name: str) -> str:
        """What is wrong with the document of a model, in a sentence; "" if nothing is, or it was told before."""
        return self._untold.pop(name, "") if self._untold else ""

    def _made_check(self, document: Any, name: str, _: str | None) -> InputCheck | None:
        try:
            return input_check(document, name)
        except Unresolvable as error:
            self._untold[name] = f"the schema of {name} checks nothing: {error}"
            return None

    def _kept(
        self,
        table: Table[Compiled],
        of: tuple[Any, str, str | None],
        compile_: Callable[[Any, str, str | None], Compiled],
    ) -> Compiled:
        document, name, category = of
        key = id(document), name, category
        known = table.get(key)
        if known is None:
            if len(table) >= LIMIT:
                table.clear()
                self._fine.clear()
            known = table[key] = document, compile_(document, name, category)
        return known[1]


def _has_limits(document: Any, _: str, __: str | None) -> bool:
    return media_limits.KEY in jsontext.dump_shown(document)
