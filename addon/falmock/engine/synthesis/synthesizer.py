"""Makes answers to calls that no fixture answers, or whose fixture asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.config import Mode
from falmock.engine.context import Context
from falmock.engine.synthesis.input_checker import JSON
from falmock.engine.synthesis.input_checker import InputChecker
from falmock.engine.synthesis.input_checker import Verdict
from falmock.engine.synthesis.input_checker import failing
from falmock.engine.synthesis.input_checker import refused
from falmock.engine.synthesis.input_checker import unknown
from falmock.fixtures.matching import miss
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.matching.documents import Documents
from falmock.fixtures.matching.match import Query
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Match
from falmock.fixtures.model import Piece
from falmock.fixtures.model import Streamed
from falmock.fixtures.model import Timeline
from falmock.synthesis.checks.input_check import Checked
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.outputs.made import Made
from falmock.synthesis.outputs.made import Origin
from falmock.synthesis.overrides import merged
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse

_MOST, _LARGE = 256, 64 * 1024
"""How many made answers are kept, and how large (bytes) one of them may be with its input."""


_AT_ONCE = Timeline(0.0, 0.0)


class _Answered(NamedTuple):
    """What is made for a call, and the recipes of the files in it."""

    verdict: Verdict
    files: Mapping[str, Recipe]


class _Kept(NamedTuple):
    """A made answer, kept because tests ask the same again and again. `documents` are those that it was made by."""

    documents: Documents
    answered: _Answered


class Synthesizer:
    """Makes answers to the calls of one scope."""

    def __init__(self, context: Context, checker: InputChecker) -> None:
        self._context = context
        self._checker = checker
        self._kept: dict[tuple[int, str, str, bool], _Kept] = {}

    def asked_for(self, fixture: Fixture, query: Query, names: Sequence[str], *, is_empty: bool) -> Verdict:
        """The made answer that a fixture asks for, with what the fixture says in it."""
        made = self._made(query, names, fixture, is_empty=is_empty)
        return Verdict(_unmade(fixture, query.endpoint)) if made is None else self._with_files(made)

    def made(self, query: Query, names: Sequence[str], *, is_empty: bool = False) -> Verdict | None:
        """The made answer to a call; None if there is to be none, or nothing is known of the model."""
        if not self._context.config.makes_answers:
            return None
        if len(query.text) > _LARGE or FILE in query.text:  # what is known of a file may change
            made = self._made(query, names, None, is_empty=is_empty)
            return None if made is None else self._with_files(made)
        documents = self._context.index.documents
        given = repr(query.given)
        key = id(documents), query.endpoint, given, is_empty
        kept = self._kept.get(key)
        if kept is not None:
            return self._with_files(kept.answered)  # they may have been forgotten
        made = self._made(query, names, None, is_empty=is_empty)
        if made is None:
            return None
        if len(given) + len(made.verdict.fixture.answer.body) <= _LARGE:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = _Kept(documents, made)
        return self._with_files(made)

    def _with_files(self, answered: _Answered) -> Verdict:
        """The answer, whose files are served from now on."""
        self._context.scope.assets.made.add(answered.files)
        return answered.verdict

    def _made(self, query: Query, names: Sequence[str], of: Fixture | None, *, is_empty: bool) -> _Answered | None:
        name, check = self._checker.check_of(query, names)
        checked = None if check is None else self._checker.checked(name, check, None if is_empty else query.given)
        if checked is not None and checked.problems:
            base = of or _fixture(f"schema:{name}", name, Answer(422, JSON, b""), "")
            return _Answered(Verdict(refused(base, checked, name), unknown(checked, name)), {})
        made = self._output(query, name, checked)
        if made is None:
            return None
        notes = [*made.notes, self._context.compiled.take_trouble(name)]
        if checked is not None:
            notes.append(unknown(checked, name))
        warning = "; ".join(note for note in notes if note)
        return _Answered(Verdict(_answering(made, query, name, of), warning), made.files)

    def anyway(self, query: Query, *, is_empty: bool) -> Fixture | None:
        """As `made`, also where none is to be made; what its schema refuses is refused."""
        made = self._made(query, (), None, is_empty=is_empty)
        return None if made is None else self._with_files(made).fixture

    def advice(self, query: Query, names: Sequence[str]) -> str:
        """How an answer to a call that missed can be made; "" in modes in which none is."""
        if self._context.config.mode is not Mode.REPLAY:
            return ""
        name, _ = self._checker.check_of(query, names)
        fetch = f"falmock schemas fetch {name}"
        if self._context.config.makes_answers:
            return f"None was made, as nothing is known of what {name} answers. To have its schema: {fetch}"
        maker = self._context.maker(name)
        if not maker.can_make:
            return f"To have an answer made, get the model's schema first: {fetch}"
        how = "by its schema" if maker.origin is Origin.SCHEMA else f"as a guess ({fetch} gets its schema)"
        return f"To have an answer made {how}: {miss.synthesizing(self._context.config.started)}"

    def example(self, query: Query, names: Sequence[str]) -> Any:
        """An output for a call that missed, by the schema of its model; None if no schema has an output."""
        name, _ = self._checker.check_of(query, names)
        maker = self._context.maker(name)
        if maker.origin is not Origin.SCHEMA:
            return None
        given = query.given if isinstance(query.given, dict) else {}
        made = maker.make({**given, "sync_mode": False}, text=query.text)  # files are not for a text to read
        if made is None:
            return None
        self._context.scope.assets.made.add(made.files)
        return made.payload

    def _output(self, query: Query, name: str, checked: Checked | None) -> Made | None:
        given = query.given if isinstance(query.given, dict) else {}
        accepted = checked.value if checked is not None and not checked.problems else None
        return self._context.maker(name).make(given, accepted, query.text)


def _unmade(fixture: Fixture, endpoint: str) -> Fixture:
    text = (
        f"The fixture {fixture.label} asks for a made answer, and nothing is known of what {endpoint} answers: put its schema into "
        f"_schemas/{endpoint}.json (falmock schemas fetch {endpoint}), or write the answer"
    )
    return failing(fixture, 501, {"detail": text, "message": text}, "no schema for a made answer")


def _fixture(source: str, model: str, answer: Answer, why: str) -> Fixture:
    return Fixture(Match(model=model), answer, _AT_ONCE, "", source, 0, per_call=True, made_for=why)


def _answering(made: Made, query: Query, name: str, of: Fixture | None) -> Fixture:
    payload = made.payload if of is None else merged(made.payload, jsontext.loads(of.answer.body))
    answer = Answer(200, JSON, jsontext.dump_model(payload))
    streamed = None
    if made.events and (len(made.events) > 1 or query.endpoint.endswith("/stream")):
        events = (*made.events[:-1], payload)
        streamed = Streamed(
            sse.TYPE, tuple(Piece(0.0, sse.event(jsontext.dump_exact(each, indent=None))) for each in events), 0.0
        )
    if of is None:
        own = _fixture(f"{made.origin.value}:{name}", name, answer, made.why)
        return own if streamed is None else own._replace(streamed=streamed)
    mark = (replies.SYNTHESIZED_HEADER.decode(), made.origin.value)
    kept = of.answer._replace(body=answer.body, is_synthesized=False, headers=(*of.answer.headers, mark))
    why = f"{made.why}, asked for by {of.label}"
    return of._replace(answer=kept, streamed=streamed, frames=None, per_call=True, made_for=why)
