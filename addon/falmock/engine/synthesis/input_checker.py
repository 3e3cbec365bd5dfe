"""Checks the inputs of calls by the schemas of models: they are refused as fal refuses them, or warned of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.config import Validate
from falmock.engine.context import Context
from falmock.fixtures.matching.canonical import Resolve
from falmock.fixtures.matching.match import Query
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.synthesis.checks import detail
from falmock.synthesis.checks import media_limits
from falmock.synthesis.checks.input_check import Checked
from falmock.synthesis.checks.input_check import InputCheck
from falmock.wire import errors
from falmock.wire.formats import data_uri
from falmock.wire.formats import jsontext
from falmock.wire.formats import pixels

JSON = "application/json"
_NOTED = 5
"""How many unknown keys a warning names."""


class Verdict(NamedTuple):
    """What answers a call, and a warning about it; "" if there is none."""

    fixture: Fixture
    warning: str = ""


class InputChecker:
    """Checks the inputs of the calls of one scope. `resolve` finds the digest of the file that a URL names."""

    def __init__(self, context: Context, resolve: Resolve) -> None:
        self._context = context
        self._resolve = resolve

    def judged(self, fixture: Fixture, query: Query, names: Sequence[str], *, is_empty: bool) -> Verdict:
        """The fixture for a call, or the refusal of its input; `is_empty`: the call has no body where fal reads one."""
        context = self._context
        validate = context.config.validate
        if validate is Validate.OFF or not context.index.documents or fixture.answer.is_synthesized:
            return Verdict(fixture)  # made answers are checked when they are made
        name, check = self.check_of(query, names)
        if check is None:
            return Verdict(fixture, context.compiled.take_trouble(name))
        if not is_empty and context.compiled.is_fine(check, query.text):
            return Verdict(fixture)
        checked = self.checked(name, check, None if is_empty else query.given)
        warning = unknown(checked, name)
        if not checked.problems and not warning:
            context.compiled.note_fine(check, query.text)
        if not checked.problems or (fixture.match.exact and fixture.recorded_at is not None):
            return Verdict(fixture, warning)
        if validate is Validate.ON:
            return Verdict(refused(fixture, checked, name), warning)
        would = f"fal would refuse this input of {name}: {detail.summary(checked.problems)}"
        return Verdict(fixture, f"{would}; {warning}" if warning else would)

    def checked(self, name: str, check: InputCheck, given: Any) -> Checked:
        """What fal would say of an input of the model `name`, also of the files in it that the document limits."""
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

    def check_of(self, query: Query, names: Sequence[str]) -> tuple[str, InputCheck | None]:
        """The endpoint id whose document is for a call, and its check; without a document, the call's own id."""
        documents = self._context.index.documents
        for name in names or (query.endpoint,):
            known = documents.get(name) or documents.find(name)
            if known is not None:
                return known.endpoint, self._context.compiled.check(known.document, known.endpoint)
        return query.endpoint, None


def unknown(checked: Checked, name: str) -> str:
    """A warning about keys that a model ignores; "" if there are none."""
    if not checked.unknown:
        return ""
    shown = [f"{path}{hint}" for path, hint in checked.unknown[:_NOTED]]
    more = f" and {len(checked.unknown) - _NOTED} more" if len(checked.unknown) > _NOTED else ""
    return f"{name} ignores {', '.join(shown)}{more}"


def refused(fixture: Fixture, checked: Checked, name: str) -> Fixture:
    """A fixture that refuses an input as fal does: the runtime sends the header of 0 units."""
    return failing(fixture, 422, detail.body_of(checked.problems), f"refused by the schema of {name}")


def failing(fixture: Fixture, status: int, value: Any, why: str) -> Fixture:
    """The fixture with an error in place of all its answers; `why` it answers so, which falmock's own errors (5xx) have as a header."""
    error, error_type = errors.status_error(value)
    answer = Answer(status, JSON, jsontext.dump_model(value), units="0", error=error, error_type=error_type)
    if status >= 500:
        name, told = replies.error_header(why)
        answer = answer._replace(headers=((name.decode(), told.decode()),), units=None)
    return fixture._replace(answer=answer, streamed=None, frames=None, fault=None, per_call=True, made_for=why)
