"""Verifies the calls of a scope against a test's expectations, and reports the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.fixtures.format.entry import Decoded
from falmock.fixtures.format.entry import FixtureEntry
from falmock.fixtures.format.entry import MissingAsset
from falmock.fixtures.format.match import read_input
from falmock.fixtures.matching.canonical import NotCanonical
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.difference import Difference
from falmock.fixtures.matching.difference import PlainText
from falmock.fixtures.matching.match import value_differences
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Problem
from falmock.gateway import door
from falmock.gateway.control.journal import SINCE
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import listed
from falmock.gateway.control.operation import problem
from falmock.gateway.journal_view import ASKS
from falmock.gateway.journal_view import NAMES
from falmock.gateway.journal_view import JournalFilter
from falmock.gateway.journal_view import JournalLine
from falmock.gateway.journal_view import JournalView

_SHOWN = 5
NOT_AS_EXPECTED = 406
"""The status if something is not as expected, so that a test that looks at nothing else fails. MockServer has the same."""


class Expected(NamedTuple):
    """Expected calls: which, and how many (`most` None: no upper limit).

    `says` describes them in messages. `holds` returns whether a call is one of them, `instead` a text about what was
    called if there were too few.
    """

    says: str
    least: int
    most: int | None
    holds: Callable[[JournalLine], bool]
    instead: Callable[[Sequence[JournalLine]], str] = lambda _: ""

    @property
    def number(self) -> str:
        """The expected number, as text."""
        if self.most is None:
            return f"at least {self.least}"
        if self.most == self.least:
            return f"{self.least}"
        return f"at most {self.most}" if self.least == 0 else f"{self.least} to {self.most}"


def miscounts(expected: Sequence[Expected], calls: Sequence[JournalLine]) -> Iterator[str]:
    """The problems with the numbers of calls."""
    for number, each in enumerate(expected):
        found = sum(map(each.holds, calls))
        if found < each.least or (each.most is not None and found > each.most):
            instead = each.instead(calls) if found < each.least else ""
            yield f"calls[{number}]: expected {each.number} of {each.says}, found {found}{instead}"


def disorder(expected: Sequence[Expected], calls: Sequence[JournalLine]) -> str | None:
    """The problem with the order of calls, or None: each expected call must come, `least` times, after those before it."""
    rest = iter(calls)
    last = "the beginning"
    for number, each in enumerate(expected):
        for _ in range(each.least):
            found = next((line for line in rest if each.holds(line)), None)
            if found is None:
                return f"order: expected {each.says} (calls[{number}]) after {last}, found none"
            last = f"call {found.number} ({found.call} {found.endpoint or found.entry.path})"
    return None


def _verify(call: Call) -> Reply:
    engine, body = call.seen, call.body
    if not body.keys() & {"calls", "nothing_unmatched", "fixtures_used"}:
        return problem(400, "Nothing is expected: give calls, nothing_unmatched or fixtures_used")
    view = JournalView(engine)
    read = Decoded("verify")
    inputs = [
        _read(FixtureEntry(read, place, _no_asset, listed="calls"), each)
        for place, each in enumerate(body.get("calls", ()))
    ]
    wrong_numbers = [
        Problem("", f"$.calls[{place}]", wrong)
        for place, each in enumerate(body.get("calls", ()))
        if (wrong := _contradiction(each)) is not None
    ]
    if read.problems or wrong_numbers:
        # Inputs are read as in a fixture's match.
        found = [each._replace(path=each.path.replace(".match.input", ".input", 1)) for each in read.problems]
        return problem(400, "This cannot be verified: see problems", [*wrong_numbers, *found])
    if engine.scope.journal.hides_at_once:  # what was sent is not known, so a secret is as good as another
        inputs = [engine.redactor.value(each) for each in inputs]
    expected = [_expected(each, found, view, engine) for each, found in zip(body.get("calls", ()), inputs, strict=True)]
    calls = list(view)
    problems = list(miscounts(expected, calls))
    if body.get("in_order") and (wrong := disorder(expected, calls)) is not None:
        problems.append(wrong)
    if body.get("nothing_unmatched"):
        problems += _unmatched(engine, calls)
    if "fixtures_used" in body:
        problems += _unused(engine, only_added=body["fixtures_used"] == "added")
    journal = engine.scope.journal
    forgotten = journal.total - len(journal)
    if forgotten and expected:
        problems.append(
            f"the first {forgotten} of {journal.total} calls are no longer kept: clear the journal more often"
        )
    text = engine.redactor.text("; ".join(problems)) if problems else f"as expected, of {journal.total} calls"
    value = {"ok": not problems, "text": text, "problems": [engine.redactor.text(each) for each in problems]}
    return answer(NOT_AS_EXPECTED if problems else 200, value, "verify")


def _read(entry: FixtureEntry, expected: Mapping[str, Any]) -> Any:
    return read_input(entry, expected["input"]) if "input" in expected else None


def _contradiction(expected: Mapping[str, Any]) -> str | None:
    """The contradiction in the expected number of calls; None if there is none."""
    if "times" in expected and expected.keys() & {"at_least", "at_most"}:
        return "expected times alone, or at_least and at_most, found both"
    least, most = expected.get("at_least", 0), expected.get("at_most")
    if most is not None and least > most:
        return f"expected at_least to be no more than at_most, found {least} and {most}"
    return None


def _no_asset(_: str) -> Asset:
    raise MissingAsset("expected sha256:<hex>: files have no other names here")


def _expected(each: Mapping[str, Any], found: Any, view: JournalView, engine: Engine) -> Expected:
    fields = {name: value for name, value in each.items() if name in JournalFilter._fields}
    selected = JournalFilter(**fields)

    def is_alike(line: JournalLine) -> bool:
        return (selected.call is not None or line.call in ASKS) and selected.holds(line)

    def holds(line: JournalLine) -> bool:
        return is_alike(line) and (found is None or not _differences(view.input(line), found, engine))

    def instead(calls: Sequence[JournalLine]) -> str:
        alike = [] if found is None else [line for line in calls if is_alike(line) and not holds(line)]
        if alike:
            inputs = ((line, _differences(view.input(line), found, engine)) for line in alike)
            nearest, differ = min(inputs, key=lambda each: len(each[1]))
            return f"; the nearest is call {nearest.number}: {', '.join(each.told(engine.redactor) for each in differ[:_SHOWN])}"
        counts = Counter(f"{line.call} {line.endpoint}" for line in calls if line.call in ASKS)
        # By name where they are as many: calls at once at several falmocks have no order.
        most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        return f"; found calls: {listed([f'{name} ({count})' for name, count in most], _SHOWN)}" if counts else ""

    # JSON Schema takes 2.0 for a whole number.
    least = int(each.get("times", each.get("at_least", 0 if "at_most" in each else 1)))
    most = each.get("times", each.get("at_most"))
    return Expected(_says(each, engine), least, None if most is None else int(most), holds, instead)


def _says(each: Mapping[str, Any], engine: Engine) -> str:
    parts = [each.get("call", "any call of a model")]
    parts += [f"{name} {each[name]}" for name in JournalFilter._fields[1:] if name in each]
    if "input" in each:
        parts.append(f"input {engine.redactor.shown(each['input'], 300)}")
    return ", ".join(parts)


def _differences(sent: Any, expected: Any, engine: Engine) -> list[Difference]:
    """The differences between an input and what it must contain."""
    try:
        meant = canonical(sent, engine.digest_of)
    except NotCanonical:
        return [Difference("$", expected, PlainText("no comparable input"))]
    return list(value_differences(expected, meant, "$", exact=False))


def _unmatched(engine: Engine, calls: Sequence[JournalLine]) -> Iterator[str]:
    misses = engine.scope.journal.misses
    if misses:
        missed = [f"{line.call} {line.endpoint or line.entry.path}" for line in calls if line.entry.miss is not None]
        names = listed(list(dict.fromkeys(missed)), _SHOWN)
        yield f"unmatched: expected a fixture for every call, found none for {misses}: {names}"


def _unused(engine: Engine, *, only_added: bool) -> Iterator[str]:
    used = engine.scope.journal.used
    fixtures = tuple(engine.added) if only_added else engine.fixtures
    unused = [fixture.label for fixture in fixtures if fixture.label not in used]
    if unused:
        yield f"unused: expected every fixture to answer, found {len(unused)} that did not: {listed(unused, _SHOWN)}"


_VERDICT = closed(
    ok={"type": "boolean"},
    text={"type": "string"},
    problems={"type": "array", "items": {"type": "string"}},
)
_COUNT = {"type": "integer", "minimum": 0}
_CALL = {
    "type": "object",
    "properties": {
        "call": {"type": "string", "enum": list(NAMES), "description": f"By default: {', '.join(sorted(ASKS))}."},
        "endpoint": {"type": "string", "description": "An endpoint id, or a glob."},
        "request_id": {"type": "string"},
        "status": {"type": "integer"},
        "fixture": {"type": "string", "description": "The id of a fixture, or a glob."},
        "fault": {"type": "string"},
        "miss": {"type": "boolean"},
        "door": {"type": "string", "enum": list(door.NAMES), "description": "The door by which it came."},
        "since": {**SINCE, "description": "Seconds since the epoch."},
        "input": {
            "type": "object",
            "description": 'What the input must contain, as in match.input of fixtures: matchers such as {"$contains": "cat"}, and '
            'files as {"$file": "sha256:<hex>"}.',
        },
        "times": {**_COUNT, "description": "The exact number."},
        "at_least": {**_COUNT, "description": "The minimum; 1 if no number is given."},
        "at_most": _COUNT,
    },
    "additionalProperties": False,
}

OPERATIONS = (
    Operation(
        "POST",
        f"{PREFIX}/verify",
        "verify",
        "Verify the calls of a scope, and list what is not as expected.",
        _verify,
        {
            200: ("All is as expected: ok is true.", _VERDICT),
            NOT_AS_EXPECTED: ("Something is not as expected: ok is false, and problems lists it.", _VERDICT),
        },
        body=Body(
            {
                "type": "object",
                "properties": {
                    "calls": {"type": "array", "items": _CALL, "maxItems": 1000},
                    "in_order": {"type": "boolean", "description": "Whether the calls must come in this order."},
                    "nothing_unmatched": {"type": "boolean", "description": "Whether every call needs a fixture."},
                    "fixtures_used": {
                        "type": "string",
                        "enum": ["added", "all"],
                        "description": "Which fixtures must have answered: added ones, or all.",
                    },
                },
                "additionalProperties": False,
            },
            'The expectations, as in {"calls": [{"endpoint": "fal-ai/flux/dev", "times": 1}], "nothing_unmatched": true}',
            {
                "calls": [{"endpoint": "fal-ai/flux/dev", "input": {"prompt": {"$contains": "cat"}}, "times": 1}],
                "nothing_unmatched": True,
                "fixtures_used": "added",
            },
        ),
    ),
)
