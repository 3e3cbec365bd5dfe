"""Answers about models and jobs on `api.fal.ai` and `fal.ai` (PROTOCOL.md section 8), if no recording does.

Nothing inferred may look like a fact from fal: such an answer is marked, and an unknown price is an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from falmock.engine import replies
from falmock.engine.context import Context
from falmock.engine.effects import Reply
from falmock.engine.jobs.job import Job
from falmock.engine.platform.catalogue import Catalogue
from falmock.engine.platform.catalogue import ModelFact
from falmock.fixtures.format.sidecars import PRICES
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Price
from falmock.wire import auth
from falmock.wire import platform
from falmock.wire.formats import jsontext
from falmock.wire.hosts import Role
from falmock.wire.hosts import normalize
from falmock.wire.lifecycle import TERMINAL
from falmock.wire.message import Header
from falmock.wire.message import Request

REMEMBERED_FOR = 600.0
"""How long the answer to a deletion with an Idempotency-Key is repeated, in seconds."""
MAX_REMEMBERED = 1000
MADE_UP: Header = (b"x-falmock-synthesized", b"1")
"""Marks an answer that was inferred from fixtures instead of recorded from fal."""
_RECORD = "or record fal's own with --set fal_mode=auto"


class Platform:
    """The platform API of one scope."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._index: Index | None = None
        self._known = Catalogue(Index())
        self._dropped: dict[str, tuple[float, str, Reply]] = {}

    def answer(self, request: Request, now: float) -> Reply | None:
        """The answer to a call of the platform API at `now` (seconds since the epoch); None for any other call."""
        call = platform.call_of(request.method, request.host, request.path)
        if call is None:
            return None
        try:
            match call:
                case platform.Models():
                    return self._models(request)
                case platform.Pricing():
                    return self._pricing(request)
                case platform.Estimate():
                    return self._estimate(request)
                case platform.Document():
                    return self._document(request)
                case platform.DropPayloads():
                    return self._drop(request, call.request_id, now)
                case platform.Meta():
                    return replies.json_reply(200, platform.META, "falmock's own", MADE_UP)
        except platform.BadQuery as error:
            return _problem(400, "validation_error", str(error), "bad query")

    def refusal(self, request: Request, now: float) -> Reply | None:
        """The 401 of the platform API for a call with a bad key at `now` (seconds since the epoch); None for any other call."""
        if request.host != platform.HOST:
            return None
        call = platform.call_of(request.method, request.host, request.path)
        flaw = None if isinstance(call, platform.Meta) else auth.flaw(self._context.config.auth, request.headers, now)
        if flaw is None or (flaw is auth.Flaw.MISSING and isinstance(call, platform.Models)):
            return None  # a key is optional for the list of models; a wrong one is refused
        text = platform.NO_KEY if flaw is auth.Flaw.MISSING else platform.BAD_KEY
        return _problem(401, "authorization_error", text, "not authorized")

    @property
    def catalogue(self) -> Catalogue:
        """What the current fixtures say about models."""
        index = self._context.index
        if index is not self._index:
            self._index, self._known = index, Catalogue(index)
        return self._known

    # models

    def _models(self, request: Request) -> Reply:
        query = platform.wanted(request.query)
        catalogue = self.catalogue
        answered = (name for name in query.ids if catalogue.knows(name) or self._context.makes(name))
        ids = sorted(answered) if query.ids else catalogue.ids
        found = {name: catalogue.metadata(name) for name in ids}
        page = platform.page([name for name in ids if _is_selected(name, found[name].value, query)], *query[:2])
        models = []
        for name in page.ids:
            model = {"endpoint_id": name, "metadata": found[name].value}
            if "openapi-3.0" in query.expand:
                document = catalogue.document(name)
                model["openapi"] = _not_expanded(name) if document is None else document.value
            models.append(model)
        answer = {"models": models, "next_cursor": page.next_cursor, "has_more": page.next_cursor is not None}
        return replies.json_reply(200, answer, f"{len(models)} models that fixtures know", MADE_UP)

    def _document(self, request: Request) -> Reply:
        ids = platform.wanted_ids(request.query)
        document = self.catalogue.document(ids[0])
        if document is None:
            # The body is fal's (PROTOCOL.md section 8); the header has falmock's reason.
            why = f"no fixture or schema is for {ids[0]}"
            return Reply(404, (*replies.JSON_HEADERS, replies.error_header(why)), b"null", why)
        return _sourced(document.value, [document])

    # money

    def _pricing(self, request: Request) -> Reply:
        ids = platform.wanted_ids(request.query)
        known = {name: self.catalogue.price(name) for name in ids}
        unknown = [name for name, fact in known.items() if fact is None]
        if unknown:
            return _no_price(unknown)
        prices = [{"endpoint_id": name, **fact.value._asdict()} for name, fact in known.items() if fact is not None]
        answer = {"prices": prices, "next_cursor": None, "has_more": False}
        return _sourced(answer, [fact for fact in known.values() if fact is not None])

    def _estimate(self, request: Request) -> Reply:
        kind, quantities = _quantities(request.body)
        known = {name: self.catalogue.price(name) for name in quantities}
        unknown = [name for name, price in known.items() if price is None]
        if unknown:
            return _no_price(unknown)
        prices: dict[str, Price] = {name: price.value for name, price in known.items() if price is not None}
        currencies = sorted({price.currency for price in prices.values()})
        if len(currencies) > 1:
            raise platform.BadQuery(f"endpoints: expected prices in one currency, found {', '.join(currencies)}")
        costs = []
        for name, quantity in quantities.items():
            units = self.catalogue.units(name) if kind == "historical_api_price" else 1.0
            if units is None:
                text = f"No fixture for {name} has billableUnits: add them to one, request unit_price, {_RECORD}"
                return _problem(404, "not_found", text, "no billable units are known")
            costs.append(prices[name].unit_price * units * quantity)
        total = round(math.fsum(costs), 12)
        answer = {"estimate_type": kind, "total_cost": total, "currency": currencies[0]}
        return _sourced(answer, [price for price in known.values() if price is not None])

    # payloads

    def _drop(self, request: Request, request_id: str, now: float) -> Reply:
        key = request.headers.get("idempotency-key", "")[:200]
        before = self._dropped.get(key) if key else None
        if before is not None and now < before[0] and before[1] == request_id:
            return before[2]
        job = self._context.scope.jobs.get(request_id, now)
        if job is None or job.erased:
            gone = "were deleted before" if job is not None else "are unknown: falmock has no such request"
            text = f"The payloads of request {request_id[:100]} {gone}"
            reply = _problem(404, "not_found", text, "no payloads to delete")
            return reply if job is None else reply._replace(fixture=job.fixture)
        self._context.scope.jobs.look(job, now)
        if job.state not in TERMINAL:
            text = f"Request {request_id} is not over yet: delete its payloads when it is"
            return _problem(400, "validation_error", text, "the job is not over")._replace(fixture=job.fixture)
        answer = {"cdn_delete_results": [{"link": link, "exception": None} for link in self._links_in(job)]}
        job.erased = True
        reply = replies.json_reply(200, answer, "payloads deleted", *replies.fixture_headers(job.fixture))
        reply = reply._replace(fixture=job.fixture)
        if key:
            while len(self._dropped) >= MAX_REMEMBERED:
                del self._dropped[next(iter(self._dropped))]
            self._dropped[key] = (now + REMEMBERED_FOR, request_id, reply)
        return reply

    def _links_in(self, job: Job) -> list[str]:
        """The URLs of fal's CDN in an output."""
        value = jsontext.value_of(self._context.scope.answer_of(job).body)
        hosts = self._context.config.hosts
        texts = (text for text in _texts(value) if text.startswith("https://"))
        return list(dict.fromkeys(text for text in texts if hosts.role(normalize(text.split("/")[2])) is Role.CDN))


def _is_selected(name: str, metadata: Mapping[str, Any], query: platform.ModelFilter) -> bool:
    if query.category and metadata.get("category") != query.category:
        return False
    if query.status and metadata.get("status", "active") != query.status:
        return False
    parts = (name, metadata.get("display_name"), metadata.get("category"), *(metadata.get("tags") or ()))
    text = " ".join(map(str, parts)).lower()
    return all(word in text for word in query.words)


def _quantities(body: bytes) -> tuple[str, dict[str, float]]:
    """The kind of an estimate, and the number of calls or units of each model. Raises BadQuery."""
    kinds = {"historical_api_price": "call_quantity", "unit_price": "unit_quantity"}
    try:
        value = jsontext.loads(body)
    except jsontext.BadJSON as error:
        raise platform.BadQuery(f"expected a JSON object, found an error: {error}") from None
    value = value if isinstance(value, dict) else {}
    kind, given = value.get("estimate_type"), value.get("endpoints")
    if not isinstance(kind, str) or kind not in kinds:
        raise platform.BadQuery(f"estimate_type: expected {' or '.join(kinds)}")
    if not isinstance(given, dict) or not given:
        raise platform.BadQuery("endpoints: expected an object with one endpoint id or more")
    return kind, {name: _quantity(name, value, kinds[kind]) for name, value in given.items()}


def _quantity(name: str, value: Any, key: str) -> float:
    quantity = value.get(key) if isinstance(value, dict) else None
    is_number = isinstance(quantity, int | float) and not isinstance(quantity, bool)
    if not is_number or not 0 < quantity < 1e15:  # type: ignore[operator]
        raise platform.BadQuery(f"endpoints.{name[:100]}.{key}: expected a number above 0")
    return float(quantity)  # type: ignore[arg-type]


def _sourced(answer: Any, facts: list[ModelFact]) -> Reply:
    """An answer with these facts; marked if any of them was inferred from fixtures."""
    sources = [each.source for each in facts if each.source is not None]
    if len(sources) < len(facts):
        return replies.json_reply(200, answer, "made of fixtures", MADE_UP)
    reply = replies.json_reply(200, answer, "beside the fixtures", *replies.fixture_headers(sources[0]))
    return reply._replace(fixture=sources[0])


def _no_price(names: list[str]) -> Reply:
    text = f"No price is known for {', '.join(names)}: put it into {PRICES} beside the fixtures, {_RECORD}"
    return _problem(404, "not_found", text, "no price is known")


def _not_expanded(name: str) -> dict[str, Any]:
    text = f"No fixture or schema describes {name}: put its document into _schemas/{name}.json, {_RECORD}"
    return {"error": {"code": "expansion_failed", "message": text}}


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            waiting += reversed(value.values() if isinstance(value, dict) else value)


def _problem(status: int, kind: str, text: str, why: str) -> Reply:
    return replies.json_reply(status, platform.error(kind, text), why, replies.error_header(why))
