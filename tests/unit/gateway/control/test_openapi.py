"""The OpenAPI document of the control API, compared with its answers."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.jobs.pace import parse_pace
from falmock.gateway.control import door
from falmock.wire.storage import digest
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

DOCUMENT = Steered().ask("GET", "/openapi.json")
DOT = digest(b"dot")
DESCRIBED = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]


def answers_of(method: str, path: str) -> Any:
    return DOCUMENT["paths"][path][method]["responses"]


def is_as_told(method: str, path: str, status: int, value: Any) -> None:
    told = answers_of(method, path)
    assert str(status) in told, (method, path, status, value)
    content = told[str(status)].get("content", {})
    if list(content) != ["application/json"]:
        assert isinstance(value, bytes)
        assert bool(value) == bool(content)
        return
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(value)]
    assert errors == [], (method, path, status, value)


def filled() -> tuple[Steered, str]:
    """One with something of every kind, and the request id of a job."""
    steered = Steered(answering(1), pace=parse_pace("manual"))
    steered.run("t/e", {"prompt": "a cat"})
    steered.run("t/none")
    job = steered.submit("t/e")
    steered.ask("POST", "/fixtures", answering(2), 201)
    steered.ask("PUT", "/faults", {"faults": [{"fault": {"error": "internal_server_error", "nth": 99}}]})
    steered.ask("PUT", "/scopes/one", status=201)
    steered.ask("POST", "/assets", {"name": "dot", "data": base64.b64encode(b"dot").decode()}, 201)
    return steered, job


def content_of(reply: Reply) -> Any:
    """The JSON of an answer, or the bytes of one that is no JSON."""
    is_json = (b"Content-Type", b"application/json") in reply.headers
    return json.loads(bytes(reply.body)) if is_json else reply.body


@pytest.mark.parametrize(("method", "path"), DESCRIBED)
def test_every_answer_is_as_described(method: str, path: str) -> None:
    body = DOCUMENT["paths"][path][method].get("requestBody", {}).get("content", {}).get("application/json", {})
    steered, job = filled()
    ours = path.removeprefix("/__falmock")
    known = {"request_id": job, "added": "1", "name": "one", "sha256": DOT, "number": "1"}
    for values in (known, dict.fromkeys(known, "x")):
        at = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], ours)  # noqa: B023
        for content in (body.get("example"), None, {"nothing": 1}, b"{"):
            for _ in range(2):
                reply = steered.reply(method.upper(), at, content)
                if isinstance(reply, Stream):
                    kind = dict(reply.headers)[b"Content-Type"].decode().partition(";")[0]
                    assert list(answers_of(method, path)["200"]["content"]) == [kind]
                    continue
                is_as_told(method, path, reply.status, content_of(reply))
        reply = steered.reply(method.upper(), f"{at}?nothing=1")
        is_as_told(method, path, reply.status, json.loads(bytes(reply.body)))
        assert reply.status == 400
    for refused in (
        steered.reply(method.upper(), ours, headers={"origin": "https://evil.example"}),
        steered.reply(method.upper(), ours, b" " * (door.MAX_BODY + 1)),
        Steered(control_token="12345678").reply(method.upper(), ours),
    ):
        is_as_told(method, path, refused.status, json.loads(bytes(refused.body)))


@pytest.mark.parametrize(
    ("method", "path"), [each for each in DESCRIBED if "requestBody" in DOCUMENT["paths"][each[1]][each[0]]]
)
def test_every_example_is_good(method: str, path: str) -> None:
    steered, job = filled()
    example = DOCUMENT["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
    reply = steered.reply(method.upper(), path.removeprefix("/__falmock").replace("{request_id}", job), example)
    assert reply.status in (200, 201, 406), reply.body


def test_it_is_complete() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    names = [DOCUMENT["paths"][path][method]["operationId"] for method, path in DESCRIBED]
    assert len(names) == len(set(names)) == len(door._OPERATIONS)
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(DOCUMENT)))
    assert named == set(DOCUMENT["components"]["schemas"])
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
