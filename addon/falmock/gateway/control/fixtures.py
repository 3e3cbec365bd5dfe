"""Fixtures in the control API: list, add and remove those of a scope, and reload those on disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from falmock.engine.additions import Source
from falmock.engine.additions import TooMany
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.engine.engines import Engines
from falmock.fixtures.format import codec
from falmock.fixtures.format.entry import MissingAsset
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Problem
from falmock.gateway.control import assets
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import PAGING
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import list_of
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import page_of
from falmock.gateway.control.operation import paged
from falmock.gateway.control.operation import problem
from falmock.gateway.journal_view import is_named

_ADDED = re.compile(r"added/((?:all-)?\d+)#\d+")
ALL_SCOPES = "*"
"""The name that stands for all scopes in a list of fixtures."""


def _batch(fixture: Fixture) -> str | None:
    found = _ADDED.fullmatch(fixture.label)
    return None if found is None else found[1]


def view(engine: Engine, used: AbstractSet[str] | None = None) -> Callable[[Fixture], dict[str, Any]]:
    """Shows a fixture as JSON; `used` are the labels of those that answered, by default in this scope."""
    used = engine.scope.journal.used if used is None else used

    def shown(fixture: Fixture) -> dict[str, Any]:
        match, added = fixture.match, _batch(fixture)
        return {
            "id": fixture.label,
            "added": added,
            "file": fixture.source if added is None else None,
            "place": fixture.place,
            "recorded_at": fixture.recorded_at,
            "test": fixture.recorded_for or None,
            "used": fixture.label in used,
            "model": match.model,
            "method": match.method,
            "host": match.host,
            "path": match.path,
            "userMessage": match.user_message,
            "context": match.context,
            "sequenceIndex": match.sequence_index,
            "exact": match.exact,
            "input": engine.redactor.shown(match.input, 2000) if match.input is not None else None,
        }

    return shown


SCHEMA = closed(
    id={"type": "string", "description": "file#index, as in the header x-falmock-fixture."},
    added={
        "type": ["string", "null"],
        "description": "The batch in which it was added; null if it is from a file.",
    },
    file={"type": ["string", "null"], "description": "Its file; null if it was added."},
    place={"type": "integer", "minimum": 0, "description": "Its index in the file, or in the batch."},
    recorded_at={
        "type": ["number", "null"],
        "description": "When it was recorded, in seconds since the epoch; null if it was not, or does not say.",
    },
    test={
        "type": ["string", "null"],
        "description": "The scope of the recorded call, which names its test; null if it was recorded in the default scope, or not recorded.",
    },
    used={
        "type": "boolean",
        "description": "Whether it answered a call of this scope since the journal was cleared; for all scopes, by this process since the start.",
    },
    model=or_null("string"),
    method=or_null("string"),
    host=or_null("string"),
    path=or_null("string"),
    userMessage=or_null("string"),
    context=or_null("string"),
    sequenceIndex=or_null("integer"),
    exact={"type": "boolean"},
    input={
        "type": ["string", "null"],
        "description": "The input it matches, as JSON text; long texts are cut.",
    },
)


def _list(call: Call) -> Reply:
    engine, fixtures, used = call.seen, call.seen.fixtures, None
    if call.scope == ALL_SCOPES:
        fixtures, used = call.engines.files.fixtures, call.engines.totals.used
    added, model = call.query.get("added"), call.query.get("model")
    found = [
        fixture
        for fixture in fixtures
        if (added is None or added is (_batch(fixture) is not None))
        and (model is None or is_named(fixture.match.model, model))
    ]
    return answer(200, paged("fixtures", found, call.query, view(engine, used)), "fixtures")


def _add(call: Call) -> Reply:
    return add_to_scope(call.engine, call.body)


def add_to_scope(engine: Engine, body: Mapping[str, Any]) -> Reply:
    """The answer to a body of `addFixtures`."""
    return _added(body, engine, engine.added.name(), engine.add_fixtures)


def add_to_all(engines: Engines, body: Mapping[str, Any]) -> Reply:
    """The answer to a body of `addFixtures`, whose fixtures are added to all scopes."""
    engine = engines.common
    return _added(body, engine, engine.shared.name(), engines.add_to_all)


def _added(
    content: Mapping[str, Any],
    engine: Engine,
    name: str,
    add: Callable[[str, Iterable[Fixture], Mapping[str, Asset], Source], None],
) -> Reply:
    body = {key: value for key, value in content.items() if key != assets.KEY}
    document = body if "fixtures" in body else {"fixtures": [body]}
    sent, problems = assets.read(content.get(assets.KEY, {}))
    files: dict[str, str] = {}
    read = codec.check(document, name, assets.noting(assets.finder(sent, engine.assets), files), _content)
    if problems or read.problems:
        return problem(400, "These are no fixtures: see problems. Nothing was added", [*problems, *read.problems])
    if not read.fixtures:
        return problem(400, "There is no fixture for fal in this. Nothing was added")
    try:
        add(name, read.fixtures, read.assets, Source(document, files))
    except TooMany as error:
        return problem(409, str(error))
    shown = view(engine, frozenset())  # what is new has answered nothing yet: nobody is asked for his journal
    value = {"added": name.removeprefix("added/"), "fixtures": [shown(fixture) for fixture in read.fixtures]}
    return answer(201, value, "fixtures were added")


def _content(asset: Asset) -> bytes:
    if asset.data is None:
        raise MissingAsset(
            f"an added fixture cannot have the content of a file on disk within its answer: send the file in {assets.KEY!r}"
        )
    return asset.data


def _remove_all(call: Call) -> Reply:
    return _removed(call.engine, None)


def _remove(call: Call) -> Reply:
    return _removed(call.engine, call.path["added"])


def _removed(engine: Engine, batch: str | None) -> Reply:
    fixtures = engine.remove_fixtures(None if batch is None else f"added/{batch}")
    if fixtures is None:
        return problem(404, f"No fixtures were added to this scope as {(batch or '')[:100]!r}")
    return answer(200, {"removed": [fixture.label for fixture in fixtures]}, "fixtures were removed")


def _reload(call: Call) -> Reply:
    try:
        text = call.disk.reload()
    except (OSError, ValueError) as error:
        found: tuple[Problem, ...] = getattr(error, "problems", ())
        shown = [Problem("", f"{each.file}: {each.path}" if each.path else each.file, each.message) for each in found]
        return problem(409, f"What was loaded before stays: {error}", shown)
    return answer(200, {"message": text}, "fixtures were read again")


_REMOVED = {200: ("Their ids.", closed(removed={"type": "array", "items": {"type": "string"}}))}
_PATH = f"{PREFIX}/fixtures"

OPERATIONS = (
    Operation(
        "GET",
        _PATH,
        "listFixtures",
        "The fixtures of a scope: first those that were added, which take precedence, then those on disk in file order. For the scope `*` "
        "those on disk, and whether any scope used them, dropped ones too.",
        _list,
        {200: ("A page of fixtures.", page_of("fixtures", "Fixture"))},
        (
            Parameter("added", {"type": "boolean"}, "true: added ones; false: those on disk."),
            Parameter("model", {"type": "string"}, "Only those with this model as written in the fixture, or a glob."),
            *PAGING,
        ),
    ),
    Operation(
        "POST",
        _PATH,
        "addFixtures",
        "Add fixtures to a scope, with the files that they refer to. They take precedence over those on disk and those added before, until they are removed or the "
        "scope is reset or dropped.",
        _add,
        {
            201: (
                "They answer from now on.",
                closed(added={"type": "string"}, fixtures=list_of("Fixture")),
            ),
            409: ("There is no room for more.", ERROR),
        },
        body=Body(
            {"type": "object", "properties": {assets.KEY: assets.SCHEMA}},
            'The content of a fixture file, {"fixtures": [...]}, or one fixture; and in "assets" the files that they refer to, unless '
            "other fixtures refer to them too. One scope may have 64 MiB.",
            {
                "match": {"model": "fal-ai/flux/dev"},
                "response": {"json": {"images": [{"url": {"$file": "dot.gif"}}], "seed": 7}},
                "assets": {"dot.gif": "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="},
            },
        ),
    ),
    Operation(
        "DELETE", _PATH, "removeFixtures", "Remove all fixtures that were added to a scope.", _remove_all, _REMOVED
    ),
    Operation(
        "DELETE",
        f"{_PATH}/{{added}}",
        "removeAdded",
        "Remove the fixtures that one call added to a scope.",
        _remove,
        {**_REMOVED, 404: ("There is no such batch.", ERROR)},
    ),
    Operation(
        "POST",
        f"{_PATH}/reload",
        "reloadFixtures",
        "Read the fixtures and the rules for faults on disk again now.",
        _reload,
        {
            200: ("What is loaded.", closed(message={"type": "string"})),
            409: ("They are invalid; what was loaded before stays.", ERROR),
        },
        of_scope=False,
    ),
)
