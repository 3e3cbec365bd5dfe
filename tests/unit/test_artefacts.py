"""No artefact shows a planted secret: each kind of secret, in all that falmock writes, prints or answers."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketMessage

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.journal import Journal
from falmock.engine.journal import JournalEntry
from falmock.fixtures.matching.match import Query
from falmock.fixtures.matching.miss import report
from falmock.fixtures.matching.miss import report_url
from falmock.gateway.control.operation import problem
from falmock.gateway.door import without_secrets
from falmock.proxy.screens.describe import Side
from falmock.proxy.screens.describe import describe
from falmock.proxy.screens.describe import describe_message
from falmock.proxy.screens.log_filter import LogFilter
from falmock.proxy.screens.redacted_copies import message_without_secrets
from falmock.recording.document import scrubbed
from falmock.recording.match import call_name
from falmock.redaction.redactor import Redactor
from falmock.wire.hosts import Role
from unit.fixtures.build import decoded
from unit.fixtures.build import index
from unit.redaction import planted

LEARNED = "correct-horse/battery+staple"
ADDRESS = "203.0.113.77"
PARTS = '--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n{}\r\n--b--'

KINDS: dict[str, tuple[str, str]] = {name: (secret, secret[-12:]) for name, (_, secret) in planted.SHAPES.items()} | {
    "learned": (LEARNED, LEARNED),
    "address": (ADDRESS, ADDRESS),
    "a name in JSON": (json.dumps({"api_key": "planted-1"}), "planted-1"),
    "a name in JSON in JSON": (json.dumps({"a": json.dumps({"b": json.dumps({"api_key": "planted-2"})})}), "planted-2"),
    "a list in JSON": (json.dumps({"secret_key": ["a", "planted-3"]}), "planted-3"),
    "a signed URL": ("https://a.test/x?X-Amz-Signature=planted4ab&b=c", "planted4ab"),
    "a user in a URL": ("https://me:planted-5@a.test/", "planted-5"),
    "a URL in a URL": ("https://a.test/?u=https%3A%2F%2Fb.test%2F%3Fsig%3Dplanted6", "planted6"),
    "a form": ("a=b&client_secret=planted-7&c=d", "planted-7"),
    "a form of parts": (PARTS.format("planted-8"), "planted-8"),
    "learned in base64": (base64.b64encode(f"x {LEARNED} y".encode()).decode(), "YXR0ZXJ5"),
    "learned in hexadecimal digits": (LEARNED.encode().hex(), LEARNED.encode().hex()),
    "learned in JSON in JSON": (json.dumps(json.dumps(f'"{LEARNED}"')), LEARNED),
    "glued to a word": ("my-photo-" + planted.SHAPES["AWS"][1] + ".png", "IOSFODNN7EXAMPLE"),
    "glued to letters": ("photo" + planted.SHAPES["Hugging Face"][1], planted.MIXED[20:34]),
}
"""By kind: a text with a secret, and a part of the text that may not be shown."""
NO_PATHS = {
    "fal key in a header",
    "bearer token",
    "basic credentials",
    "private key",
    "OpenSSH key",
    "PGP key",
    "a name in JSON",
    "a name in JSON in JSON",
    "a list in JSON",
    "a signed URL",
    "a form of parts",
}
"""The kinds that a path cannot have: they are told by spaces, quotes, line ends or the like, which `fixture_path` drops."""


def knowing() -> Redactor:
    redactor = Redactor()
    redactor.learn_value(LEARNED)
    redactor.learn_peer(ADDRESS)
    return redactor


def shown(redactor: Redactor, match: dict[str, Any], **more: Any) -> str:
    entry = {"match": match, "response": {"json": {}}} | more
    clean = scrubbed(entry, redactor)
    assert decoded(clean).problems == []
    return json.dumps(clean, ensure_ascii=False, default=str)


def fixture_input(text: str, redactor: Redactor) -> str:
    return shown(redactor, {"model": "a/b", "input": {"prompt": f"see {text}", "n": [{"m": text}], text: 1}})


def fixture_query(text: str, redactor: Redactor) -> str:
    return shown(redactor, {"model": "a/b", "query": {"q": text}, "input": {}})


def fixture_body(text: str, redactor: Redactor) -> str:
    return shown(redactor, {"model": "a/b", "body": f"see {text}"})


def fixture_parts(text: str, redactor: Redactor) -> Iterator[str]:
    field = {"name": "n", "filename": "f", "type": "text/plain", "content": "c"}
    for key in field:
        yield shown(redactor, {"model": "a/b", "body": [field, {**field, key: text}]})


def fixture_path(text: str, redactor: Redactor) -> str:
    if text in {KINDS[kind][0] for kind in NO_PATHS}:
        return ""
    path = "/files/" + "".join(char for char in text if char not in ' \n\r"{}?#*[]\\')
    assert redactor.value(path) != path
    return shown(redactor, {"method": "GET", "host": "v3.fal.media", "path": path})


def fixture_answer(text: str, redactor: Redactor) -> Iterator[str]:
    for response in (
        {"json": {"a": [text, {text: text}]}},
        {"text": f"see {text}"},
        {"json": {}, "headers": {"x-note": text}},
    ):
        clean = scrubbed({"match": {"model": "a/b"}, "response": response}, redactor)
        yield json.dumps(clean, ensure_ascii=False, default=str)


def fixture_rest(text: str, redactor: Redactor) -> str:
    return json.dumps(
        scrubbed(
            {
                "match": {"model": "a/b"},
                "stream": [{"data": {"a": text}}],
                "realtime": [{"json": text}],
                "queue": {"logs": [{"at": 1, "message": text}]},
                "recorded": {"client": text, "scope": text},
                "_note": text,
            },
            redactor,
        ),
        ensure_ascii=False,
    )


def file_name(text: str, redactor: Redactor) -> str:
    clean = scrubbed({"match": {"model": "a/b", "input": {"prompt": text}}, "response": {"json": {}}}, redactor)
    return call_name(clean["match"])


def journal(text: str, redactor: Redactor) -> str:
    entry = JournalEntry(
        1.0, text, text, text, 200, text, text, text, fault=text, query=text, body=text.encode(), job=text, warning=text
    )
    noted = Journal(redactor)
    noted.add(entry)
    return str(noted.entries)


def miss(text: str, redactor: Redactor) -> Iterator[str]:
    known = index(
        {"model": "a/b", "input": {"prompt": "x"}, "exact": True},
        {"model": "a/b", "body": [{"name": "api_key", "content": "x"}]},
    )
    value = {"prompt": f"see {text}", "more": [text]}
    yield report(known, Query("a/b", "POST", value, json.dumps(value), None), redactor).text
    fields = [{"name": "n", "content": text}]
    yield report(known, Query("a/b", "POST", {}, "{}", None, parameters={"q": text}, body=fields), redactor).text
    yield report(known, Query("a/b", "POST", {}, "{}", None, body=text), redactor).text
    yield report_url(known, "GET", f"https://v3.fal.media/{text}", redactor).text


def warning(text: str, redactor: Redactor) -> str:
    return str(replies.with_warning_header(Reply(200, (), b"", "", warning=text), redactor).headers)


def control(text: str, redactor: Redactor) -> str:
    return bytes(without_secrets(problem(400, f"expected a name, found {text!r}"), redactor).body).decode()


def log(text: str, redactor: Redactor) -> Iterator[str]:
    quiet = LogFilter((), lambda: redactor)
    for name in ("mitmproxy.proxy", "falmock.proxy", "my.script"):
        record = logging.LogRecord(name, 30, "", 0, "it is %s", (text,), None)
        quiet.filter(record)
        yield record.getMessage()
        record = logging.LogRecord(name, 30, "", 0, "it is %r", (text,), None)
        quiet.filter(record)
        yield record.getMessage()
        error = ValueError(text)
        record = logging.LogRecord(name, 30, "", 0, "it broke", (), (ValueError, error, None))
        quiet.filter(record)
        yield logging.Formatter().format(record)


def copies(text: str, redactor: Redactor) -> Iterator[str]:
    for body in (text, json.dumps({"a": [text]}), f"data: {json.dumps({'a': text})}\n\n"):
        flow = tflow.tflow(resp=True)
        flow.request.content = body.encode()
        yield (message_without_secrets(flow.request, redactor).content or b"").decode()
        message = WebSocketMessage(1, from_client=True, content=body.encode())
        yield message_without_secrets(message, redactor).content.decode()


def view(text: str, redactor: Redactor) -> Iterator[str]:
    for kind, body in (
        ("application/json", json.dumps({"a": [text]})),
        ("text/plain", text),
        ("text/event-stream", f"data: {json.dumps({'a': text})}\n\n"),
    ):
        yield describe(Side("fal.run", Role.RUN, "POST", "/a/b", "", 200, kind, body.encode(), why=text), redactor)
        yield describe_message(body.encode(), redactor, is_text=True)


Artefact = Callable[[str, Redactor], str | Iterator[str]]
ARTEFACTS: tuple[Artefact, ...] = (
    fixture_input,
    fixture_query,
    fixture_body,
    fixture_parts,
    fixture_path,
    fixture_answer,
    fixture_rest,
    file_name,
    journal,
    miss,
    warning,
    control,
    log,
    copies,
    view,
)


def texts(found: str | Iterator[str]) -> list[str]:
    return [found] if isinstance(found, str) else list(found)


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=lambda artefact: artefact.__name__)
def test_no_artefact_shows_a_secret(artefact: Artefact) -> None:
    for kind, (text, secret) in KINDS.items():
        for each in texts(artefact(text, knowing())):
            assert secret not in each, kind
            assert secret.lower() not in each, kind


@pytest.mark.parametrize(
    "artefact", [one for one in ARTEFACTS if one is not fixture_path], ids=lambda artefact: artefact.__name__
)
def test_an_artefact_shows_what_is_no_secret(artefact: Artefact) -> None:
    assert any("harmless" in each for each in texts(artefact("harmless", knowing())))


def test_there_are_many_kinds() -> None:
    assert len(KINDS) > 100
