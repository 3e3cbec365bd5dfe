"""Checks inputs by the schemas of models, and makes answers to calls that no fixture answers."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.config import Mode
from falmock.engine.config import Validate
from falmock.engine.context import Context
from falmock.fixtures.matching import miss
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.matching.canonical import Resolve
from falmock.fixtures.matching.documents import Documents
from falmock.fixtures.matching.match import Query
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Match
from falmock.fixtures.model import Piece
from falmock.fixtures.model import Streamed
from falmock.fixtures.model import Timeline
from falmock.synthesis.checks import detail
from falmock.synthesis.checks import media_limits
from falmock.synthesis.checks.input_check import Checked
from falmock.synthesis.checks.input_check import InputCheck
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.outputs.made import Made
from falmock.synthesis.outputs.made import Origin
from falmock.synthesis.overrides import merged
from falmock.wire import errors
from falmock.wire.formats import data_uri
from falmock.wire.formats import jsontext
from falmock.wire.formats import pixels
from falmock.wire.formats import sse

_JSON = "application/json"
_MOST, _LARGE = 256, 64 * 1024
"""How many made answers are kept, and how large (bytes) one of them may be with its input."""
_NOTED = 5
"""How many unknown keys a warning names."""


class Verdict(NamedTuple):
    """What answers a call, and a warning about it; "" if there is none."""

    fixture: Fixture
    warning: str = ""


class _Kept(NamedTuple):
    """A made answer, kept because tests ask the same again and again. `documents` are those that it was made by."""

    documents: Documents
    verdict: Verdict
    files: Mapping[str, Recipe]


class Synthesizer:
    """Works for the calls of one scope. `resolve` finds the digest of the file that a URL names."""

    def __init__(self, context: Context, resolve: Resolve) -> None:
        self._context = context
        self._resolve = resolve
        self._kept: dict[tuple[int, str, str, bool], _Kept] = {}
        self._files: Mapping[str, Recipe] = {}
        """The files of what was made last."""

    def judged(self, fixture: Fixture, query: Query, names: Sequence[str], *, is_empty: bool) -> Verdict:
        """The fixture for a call, or the refusal of its input; `is_empty`: the call has no body where fal reads one."""
        context = self._context
        validate = context.config.validate
        if validate is Validate.OFF or not context.index.documents or fixture.answer.is_synthesized:
            return Verdict(fixture)  # made answers are checked when they are made
        name, check = self._check(query, names)
        if check is None:
            return Verdict(fixture, context.compiled.take_trouble(name))
        if not is_empty and context.compiled.is_fine(check, query.text):
            return Verdict(fixture)
        checked = self._checked(name, check, None if is_empty else query.given)
        warning = _unknown(checked, name)
        if not checked.problems and not warning:
            context.compiled.note_fine(check, query.text)
        if not checked.problems or (fixture.match.exact and fixture.recorded_at is not None):
            return Verdict(fixture, warning)
        if validate is Validate.ON:
            return Verdict(_refused(fixture, checked, name), warning)
        would = f"fal would refuse this input of {name}: {detail.summary(checked.problems)}"
        return Verdict(fixture, f"{would}; {warning}" if warning else would)

    def asked_for(self, fixture: Fixture, query: Query, names: Sequence[str], *, is_empty: bool) -> Verdict:
        """The made answer that a fixture asks for, with what the fixture says in it."""
        made = self._made(query, names, fixture, is_empty=is_empty)
        return Verdict(_unmade(fixture, query.endpoint)) if made is None else made

    def made(self, query: Query, names: Sequence[str], *, is_empty: bool = False) -> Verdict | None:
        """The made answer to a call; None if there is to be none, or nothing is known of the model."""
        if not self._context.config.makes_answers:
            return None
        if len(query.text) > _LARGE or FILE in query.text:  # what is known of a file may change
            return self._made(query, names, None, is_empty=is_empty)
        documents = self._context.index.documents
        given = repr(query.given)
        key = id(documents), query.endpoint, given, is_empty
        kept = self._kept.get(key)
        if kept is None:
            made = self._made(query, names, None, is_empty=is_empty)
            if made is None or len(given) + len(made.fixture.answer.body) > _LARGE:
                return made
            if len(self._kept) >= _MOST:
                self._kept.clear()
            kept = self._kept[key] = _Kept(documents, made, self._files)
        self._context.scope.assets.made.add(kept.files)  # it may have been forgotten
        return kept.verdict

    def _made(self, query: Query, names: Sequence[str], of: Fixture | None, *, is_empty: bool) -> Verdict | None:
        name, check = self._check(query, names)
        checked = None if check is None else self._checked(name, check, None if is_empty else query.given)
        if checked is not None and checked.problems:
            base = of or _fixture(f"schema:{name}", name, Answer(422, _JSON, b""), "")
            return Verdict(_refused(base, checked, name), _unknown(checked, name))
        made = self._output(query, name, checked)
        if made is None:
            return None
        notes = [*made.notes, self._context.compiled.take_trouble(name)]
        if checked is not None:
            notes.append(_unknown(checked, name))
        warning = "; ".join(note for note in notes if note)
        return Verdict(_answering(made, query, name, of), warning)

    def payload(self, query: Query) -> Any:
        """The output that is made for an input, whose files are served from now on; None if nothing is known of the model."""
        name, check = self._check(query, ())
        made = self._output(query, name, None if check is None else check.check(query.given))
        return None if made is None else made.payload

    def advice(self, query: Query, names: Sequence[str]) -> str:
        """How an answer to a call that missed can be made; "" in modes in which none is."""
        if self._context.config.mode is not Mode.REPLAY:
            return ""
        name, _ = self._check(query, names)
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
        name, _ = self._check(query, names)
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
        made = self._context.maker(name).make(given, accepted, query.text)
        self._files = made.files if made is not None else {}
        self._context.scope.assets.made.add(self._files)
        return made

    def _checked(self, name: str, check: InputCheck, given: Any) -> Checked:
        """What fal would say of an input, also of the files in it that the document limits."""
        checked = check.check(given)
        if checked.problems:
            return checked
        known = self._context.index.documents.get(name)
        if known is None or not self._context.compiled.limits_files(known.document, name):
            return checked
        for limited in media_limits.limited_files(known.document, name, given):
            body = media_limits.refusal(limited, self._measured(limited.url))
            if body is not None:
                return checked._replace(problems=body["detail"])
        return checked

    def _measured(self, url: str) -> media_limits.Measured:
        """What is known of the file that a URL names."""
        inline = data_uri.read(url)
        if inline is not None:
            return media_limits.Measured(len(inline.content), *(pixels.size_of(inline.content) or (0, 0)))
        sha256 = self._resolve(url)
        asset = None if sha256 is None else self._context.scope.assets.content(sha256, self._context.index.assets)
        if asset is None:
            return media_limits.Measured()
        return media_limits.Measured(asset.size, *(pixels.size_of(asset.data or b"") or (0, 0)))

    def _check(self, query: Query, names: Sequence[str]) -> tuple[str, InputCheck | None]:
        """The endpoint id whose document is for a call, and its check; without a document, the call's own id."""
        documents = self._context.index.documents
        for name in names or (query.endpoint,):
            known = documents.get(name) or documents.find(name)
            if known is not None:
                return known.endpoint, self._context.compiled.check(known.document, known.endpoint)
        return query.endpoint, None


def _unknown(checked: Checked, name: str) -> str:
    """A warning about keys that a model ignores; "" if there are none."""
    if not checked.unknown:
        return ""
    shown = [f"{path}{hint}" for path, hint in checked.unknown[:_NOTED]]
    more = f" and {len(checked.unknown) - _NOTED} more" if len(checked.unknown) > _NOTED else ""
    return f"{name} ignores {', '.join(shown)}{more}"


def _refused(fixture: Fixture, checked: Checked, name: str) -> Fixture:
    """A fixture that refuses an input as fal does: the runtime sends the header of 0 units."""
    return _with_problem(fixture, 422, detail.body_of(checked.problems), f"refused by the schema of {name}")


def _with_problem(fixture: Fixture, status: int, value: Any, why: str) -> Fixture:
    error, error_type = errors.status_error(value)
    units = "0" if status == 422 else None
    answer = Answer(status, _JSON, jsontext.dump_model(value), units=units, error=error, error_type=error_type)
    return fixture._replace(answer=answer, streamed=None, frames=None, fault=None, per_call=True, made_for=why)


def _unmade(fixture: Fixture, endpoint: str) -> Fixture:
    text = (
        f"The fixture {fixture.label} asks for a made answer, and nothing is known of what {endpoint} answers: put its schema into "
        f"_schemas/{endpoint}.json (falmock schemas fetch {endpoint}), or write the answer"
    )
    return _with_problem(fixture, 501, {"detail": text, "message": text}, "no schema for a made answer")


def _fixture(source: str, model: str, answer: Answer, why: str) -> Fixture:
    return Fixture(Match(model=model), answer, Timeline(0.0, 0.0), "", source, 0, per_call=True, made_for=why)


def _answering(made: Made, query: Query, name: str, of: Fixture | None) -> Fixture:
    payload = made.payload if of is None else merged(made.payload, jsontext.loads(of.answer.body))
    answer = Answer(200, _JSON, jsontext.dump_model(payload))
    streamed = None
    if made.events and (len(made.events) > 1 or query.endpoint.endswith("/stream")):
        events = (*made.events[:-1], payload)
        streamed = Streamed(
            sse.TYPE, tuple(Piece(0.0, sse.event(jsontext.dump_exact(each, indent=None))) for each in events), 0.0
        )
    if of is None:
        return _fixture(f"{made.origin.value}:{name}", name, answer, made.why)._replace(streamed=streamed)
    mark = (replies.SYNTHESIZED_HEADER.decode(), made.origin.value)
    kept = of.answer._replace(body=answer.body, is_synthesized=False, headers=(*of.answer.headers, mark))
    why = f"{made.why}, asked for by {of.label}"
    return of._replace(answer=kept, streamed=streamed, frames=None, per_call=True, made_for=why)
