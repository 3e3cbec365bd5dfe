"""The door for the parts of aimock's control API that concern fal: `/__aimock/...` and `/v1/_requests`."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from falmock.engine import scopes
from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.engine.engines import Engines
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Worded
from falmock.gateway.aimock import steering as chaos
from falmock.gateway.aimock.routes import PREFIX as ROUTES
from falmock.gateway.aimock.routes import TEST_ID
from falmock.gateway.aimock.steering import OneError
from falmock.gateway.aimock.steering import Steering
from falmock.gateway.control import fixtures as control_fixtures
from falmock.gateway.control.guard import refusal
from falmock.gateway.control.operation import MAX_BODY
from falmock.gateway.door import Ask
from falmock.gateway.door import without_secrets
from falmock.gateway.journal_view import JournalView
from falmock.wire.formats import jsontext
from falmock.wire.formats.encodings import excess
from falmock.wire.message import Header
from falmock.wire.message import Request

PREFIX = "/__aimock"
JOURNAL = "/v1/_requests"
_TYPE: Header = (b"Content-Type", b"application/json")
_FILTERS = ("limit", "offset", "path", "method", "status", "service", "testId", "requestId")

Handler = Callable[[Request, float], Reply]


class BadAimockCall(ValueError):
    """A call that cannot be read; the text says what was expected."""


class AimockControl:
    """Answers aimock's test helpers; `steering` has the settings that `Aimock` applies."""

    name = f"aimock's control API at {PREFIX}/"

    def __init__(self, engines: Engines, steering: Steering) -> None:
        self._engines = engines
        self._steering = steering
        self._table: Mapping[tuple[str, str], Handler] = {
            ("GET", f"{PREFIX}/health"): lambda _, __: _answer({"status": "ok"}),
            ("GET", f"{PREFIX}/journal"): self._journal,
            ("GET", JOURNAL): self._journal,
            ("DELETE", JOURNAL): self._clear_journal,
            ("GET", f"{PREFIX}/fixtures"): self._fixtures,
            ("POST", f"{PREFIX}/fixtures"): self._add_fixtures,
            ("DELETE", f"{PREFIX}/fixtures"): self._remove_fixtures,
            ("GET", f"{PREFIX}/chaos"): self._chaos,
            ("POST", f"{PREFIX}/chaos"): self._set_chaos,
            ("DELETE", f"{PREFIX}/chaos"): self._drop_chaos,
            ("POST", f"{PREFIX}/error"): self._error,
            ("POST", f"{PREFIX}/reset"): self._reset,
            ("POST", f"{PREFIX}/reset/fixtures"): self._reset,
            ("POST", f"{PREFIX}/reset/journal"): self._clear_journal,
        }

    def claims(self, request: Request) -> bool:
        """Whether a request is for this door."""
        return request.path.startswith(f"{PREFIX}/") or request.path in (PREFIX, JOURNAL)

    def max_body(self, request: Request) -> int:  # noqa: ARG002
        """How many bytes the body of a request may have."""
        return MAX_BODY

    def answer(self, request: Request, ask: Ask, now: float) -> Reply:  # noqa: ARG002
        """The answer to a call at `now` (seconds since the epoch), without secrets."""
        return without_secrets(self._answered(request, now), self._engines.common.redactor)

    def _answered(self, request: Request, now: float) -> Reply:
        refused = refusal(request, self._engines.config)
        if refused is not None:
            return refused
        too_large = request.too_large or excess(len(request.body), MAX_BODY)
        if too_large:
            message = f"Request body too large: {too_large}"
            return _answer({"error": {"message": message, "type": "invalid_request_error"}}, 413)
        handler = self._table.get((request.method, request.path))
        if handler is None:
            known = ", ".join(f"{method} {path}" for method, path in self._table)
            message = f"Unknown control endpoint: {request.method} {request.path}, expected one of {known}"
            return _answer({"error": {"message": message, "type": "not_found"}}, 404)
        if "x-test-id" in request.headers and not request.headers["x-test-id"].strip():
            return _answer({"error": "Invalid 'X-Test-Id': header is present but empty"}, 400)
        try:
            return handler(_in_scope(request), now)
        except (BadAimockCall, chaos.BadChaos) as error:
            return _answer({"error": str(error)}, 400)

    def _all(self) -> Iterator[tuple[str, Engine]]:
        for name in ("", *self._engines.names):
            yield name, self._engines.peek(name)

    # the journal

    def _journal(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        query = _query(request, _FILTERS)
        limit, offset = _whole(query, "limit"), _whole(query, "offset") or 0
        if "requestId" in query:
            raise BadAimockCall("Invalid 'requestId': falmock does not store headers of requests")
        status, method = _whole(query, "status"), query.get("method", "").upper()
        if "service" in query and query["service"] != "fal":
            entries = []
        else:
            entries = [
                entry
                for entry in self._entries(query.get("testId"))
                if (not method or entry["method"] == method)
                and query.get("path", "") in entry["path"]
                and (status is None or entry["response"]["status"] == status)
            ]
        page = entries[offset:] if limit is None else entries[offset : offset + limit]
        return _answer(page)._replace(headers=(_TYPE, (b"X-Total-Count", str(len(entries)).encode())))

    def _entries(self, scope: str | None) -> list[dict[str, Any]]:
        entries = [
            (call["at"], _entry(call, name, to_fal=self._engines.config.hosts.role(call["host"]) is not None))
            for name, engine in self._all()
            if scope is None or scope == name
            for call in (JournalView(engine).shown(each, name) for each in JournalView(engine))
        ]
        return [entry for _, entry in sorted(entries, key=lambda item: item[0])]

    def _clear_journal(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        for name, engine in self._all():
            if not request.scope or request.scope == name:
                engine.scope.journal.clear()
        return Reply(204, (), b"", "journal cleared") if request.method == "DELETE" else _answer({"reset": True})

    # fixtures

    def _fixtures(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        query = _query(request, ("include", "testId"))
        fixtures = self._engines.peek(request.scope).fixtures
        include = query.get("include")
        if include not in (None, "fixtures"):
            raise BadAimockCall("Invalid 'include': expected 'fixtures'")
        value: dict[str, Any] = {"count": len(fixtures)}
        if include:
            value["fixtures"] = [_fixture(place, fixture) for place, fixture in enumerate(fixtures)]
        return _answer(value)

    def _add_fixtures(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        document = _object(request)
        if not isinstance(document.get("fixtures"), list):
            raise BadAimockCall('Missing or invalid "fixtures" array')
        if not document["fixtures"]:
            return _answer({"added": 0})
        if request.scope:
            reply = control_fixtures.add_to_scope(self._engines.of(request.scope), document)
        else:
            reply = control_fixtures.add_to_all(self._engines, document)
        value = jsontext.loads(reply.body) if isinstance(reply.body, bytes) else {}
        if reply.status == 201:
            return _answer({"added": len(value["fixtures"])})
        return _answer({"error": value["message"], "details": value.get("problems", [])}, 400)

    def _remove_fixtures(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        self._engines.of(request.scope).remove_fixtures()
        if not request.scope:
            self._engines.remove_from_all()
        return _answer({"cleared": True})

    # chaos and errors

    def _chaos(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        return _answer({"chaos": self._steering.chaos(request.scope)})

    def _set_chaos(self, request: Request, now: float) -> Reply:
        self._steering.set_chaos(request.scope, chaos.of_json(_object(request)))
        return self._chaos(request, now)

    def _drop_chaos(self, request: Request, now: float) -> Reply:
        self._steering.set_chaos(request.scope, None)
        return self._chaos(request, now)

    def _error(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        value = _object(request)
        status = 500 if value.get("status") is None else value["status"]
        if type(status) is not int or not 400 <= status <= 599:
            raise BadAimockCall(f"Invalid 'status': must be a whole number from 400 to 599, found {str(status)[:40]!r}")
        body = value.get("body") or {}
        if not isinstance(body, dict):
            raise BadAimockCall("Invalid 'body': must be an object")
        for field in ("message", "type", "code"):
            if body.get(field) is not None and not isinstance(body[field], str):
                raise BadAimockCall(f"Invalid 'body.{field}': must be a string")
        worded = Worded(body.get("message") or "Injected error", body.get("type"), body.get("code"))
        self._steering.add_error(request.scope, OneError(status, worded))
        return _answer({"queued": True})

    def _reset(self, request: Request, now: float) -> Reply:  # noqa: ARG002
        if request.scope:
            self._engines.reset(request.scope)
            self._steering.forget(request.scope)
        else:
            self._engines.reset_all()
            self._steering.forget_all()
        if not request.path.endswith("/fixtures"):
            return _answer({"reset": True})._replace(wakes=EVERY_JOB)
        text = f"POST {PREFIX}/reset/fixtures is deprecated; use POST {PREFIX}/reset or POST {PREFIX}/reset/journal"
        reply = _answer({"reset": True, "deprecated": True, "deprecation": text})
        return reply._replace(headers=(*reply.headers, (b"Deprecation", b"true")), wakes=EVERY_JOB)


def _answer(value: Any, status: int = 200) -> Reply:
    return Reply(status, (_TYPE,), jsontext.dump_model(value), "aimock's control API")


def _in_scope(request: Request) -> Request:
    """The call in the scope of its query, unless a header has one; in the journal's calls `testId` is only a filter."""
    named = scopes.shortened(dict(parse_qsl(request.query)).get(TEST_ID, "").strip())
    if request.path.endswith(("/journal", JOURNAL)) or scopes.named(request.headers) or not named:
        return request
    return request._replace(scope=named)


def _query(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    for name in query:
        if name not in known:
            raise BadAimockCall(f"Unknown query parameter: {name!r}. Supported: {', '.join(known)}")
    return query


def _whole(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.strip().isascii() and text.strip().isdigit() and len(text) < 16):
        raise BadAimockCall(f"Invalid {name!r}: must be an integer >= 0, found {text[:40]!r}")
    return int(text)


def _object(request: Request) -> dict[str, Any]:
    try:
        value = jsontext.loads(request.body)
    except jsontext.BadJSON as error:
        raise BadAimockCall(f"Invalid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadAimockCall("Invalid body: expected a JSON object")
    return value


def _entry(call: Mapping[str, Any], scope: str, *, to_fal: bool) -> dict[str, Any]:
    """A call in the form of aimock's journal, with the real input as its body.

    If it is a call `to_fal`, its `path` is that of aimock's route.
    """
    response: dict[str, Any] = {"status": call["status"], "fixture": call["fixture"]}
    if call["forwarded"]:
        response["source"] = "proxy"
    if call["fault"] is not None:
        response["chaosAction"] = call["fault"]
    return {
        "id": f"{scope or 'default'}-{call['number']}",
        "timestamp": int(call["at"] * 1000),
        "method": call["method"],
        "path": f"{ROUTES}{call['path']}" if to_fal else call["path"],
        "headers": {
            **({"x-fal-target-host": call["host"]} if to_fal else {}),
            **({"x-test-id": scope} if scope else {}),
        },
        "body": call["input"],
        "response": response,
        "service": "fal",
    }


def _fixture(place: int, fixture: Fixture) -> dict[str, Any]:
    match, answer = fixture.match, fixture.answer
    shown = {
        "model": match.model,
        "userMessage": match.user_message,
        "context": match.context,
        "sequenceIndex": match.sequence_index,
    }
    kind = "error" if answer.worded is not None else "file" if answer.asset is not None else "json"
    kept = {key: value for key, value in shown.items() if value is not None}
    return {"index": place, "match": kept, "responseKind": kind}
