from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from falmock.engine.config import Config
from falmock.engine.config import Misses
from falmock.engine.config import Validate
from falmock.engine.effects import Effect
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.fixtures.matching.index import Index
from falmock.gateway.journal_view import JournalView
from falmock.synthesis.media.files import content_of
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.auth import AuthRule
from falmock.wire.formats import sse
from falmock.wire.model_document import model_document
from unit.engine.calls import index_of
from unit.engine.talks import Talk
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

PATH = "/fixtures/from"
FLUX, LLM, ZOOM = "fal-ai/flux/dev", "acme/words", "acme/zoom"


def _document(endpoint: str, inputs: dict[str, Any], required: list[str], outputs: dict[str, Any]) -> Any:
    takes = {"type": "object", "required": required, "properties": inputs}
    gives = {"type": "object", "required": list(outputs), "properties": outputs}
    return model_document(endpoint, "text-to-image", takes, gives, "for a test")


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
LIMITED = {"type": "string", "x-fal": {"min_width": 64, "min_height": 64}}
SCHEMAS = {
    FLUX: _document(
        FLUX, {"prompt": TEXT, "scale": NUMBER}, ["prompt"], {"seed": {"type": "integer"}, "scale": NUMBER}
    ),
    LLM: _document(LLM, {"prompt": TEXT}, ["prompt"], {"output": TEXT, "partial": {"type": "boolean"}}),
    ZOOM: _document(ZOOM, {"image_url": LIMITED}, [], {"seed": {"type": "integer"}}),
}
SMALL = "data:image/png;base64," + base64.b64encode(content_of(Recipe("image/png", 32, 32))).decode()


class Called(Steered):
    """Makes answers by the schemas; `without` has none of them any more, only what was added."""

    def __init__(self, *fixtures: dict[str, Any], **config: Any) -> None:
        super().__init__(*fixtures, **{"misses": Misses.SYNTHESIZE, **config})
        self.engines.use_fixtures(Index(index_of(*fixtures).fixtures, schemas=SCHEMAS))

    def without(self) -> None:
        self.engines.use_fixtures(Index())
        self.engines.use_config(Config())

    def keep(self, to: str = "memory", **more: Any) -> None:
        """Make a fixture of the first call, and use it alone."""
        self.ask("POST", PATH, {"call": 1, "to": to, **more}, status=201)
        if to == "disk":
            ((text, _),) = self.disk.saved.values()
            self.ask("POST", "/fixtures", json.loads(text), status=201)
        self.without()

    def message(self) -> int:
        """The number of the first message on a socket."""
        return next(line.number for line in JournalView(self.engines.of("")) if line.call == "message")

    def refused(self, call: int = 1, **more: Any) -> str:
        return str(self.ask("POST", PATH, {"call": call, **more}, status=409)["message"])

    def effect(self, method: str, url: str, body: Any, headers: dict[str, str]) -> Effect:
        return self.call(method, url, body, **headers)

    def answer(self, url: str, body: Any = None, method: str = "POST", **headers: str) -> tuple[int, Any, list[Any]]:
        """The status, the headers that are fal's, and the values of an answer, one for each event of a stream."""
        effect = self.call(method, f"https://{url}", body, **headers)
        assert isinstance(effect, Reply | Stream)
        assert effect.miss is None if isinstance(effect, Reply) else True
        changing = (b"x-falmock", b"x-fal-request-id")
        shown = sorted(header for header in effect.headers if not header[0].lower().startswith(changing))
        if isinstance(effect, Reply):
            assert isinstance(effect.body, bytes)
            return effect.status, shown, [effect.body]
        pieces: list[bytes] = []
        end = End.OPEN
        while end is End.OPEN:
            step = effect.source.step(self.now + 1000)
            pieces += step.pieces
            end = step.end
        return effect.status, shown, [each.data for each in sse.Parser().feed(b"".join(pieces))]


RUNS = [
    (FLUX, {"prompt": "a cat"}, 200, 1),
    (FLUX, b'{"prompt": "a cat", "scale": 3.50}', 200, 1),
    (FLUX, {"prompt": 7}, 422, 1),
    (FLUX, {}, 422, 1),
    (FLUX, None, 422, 1),
    (FLUX, {"prompt": 7, "scale": [1, None, "x"]}, 422, 1),
    (ZOOM, {"image_url": SMALL}, 422, 1),
    (f"{LLM}/stream", {"prompt": "a cat"}, 200, 4),
    (f"{LLM}/stream", {"prompt": 7}, 422, 1),
    (LLM, {"prompt": "a cat"}, 200, 1),
]


@pytest.mark.parametrize("to", ["memory", "disk"])
@pytest.mark.parametrize(("path", "body", "status", "count"), RUNS)
def test_the_fixture_answers_as_the_call_was_answered(to: str, path: str, body: Any, status: int, count: int) -> None:
    called = Called()
    before = called.answer(f"fal.run/{path}", body)
    assert (before[0], len(before[2])) == (status, count)
    called.keep(to)
    assert called.answer(f"fal.run/{path}", body) == before


@pytest.mark.parametrize("query", ["?prompt=cat", "", "?scale=x"])
def test_a_call_without_a_body(query: str) -> None:
    called = Called()
    before = called.answer(f"fal.run/{FLUX}{query}", method="GET")
    called.keep()
    assert called.answer(f"fal.run/{FLUX}{query}", method="GET") == before


@pytest.mark.parametrize("body", [{"prompt": "a cat"}, {"prompt": 7}, None, {"prompt": "a", "scale": "x"}])
def test_a_queued_job_ends_as_it_ended(body: Any) -> None:
    called = Called()
    url = f"queue.fal.run/{FLUX}?fal_webhook=http%3A%2F%2F127.0.0.1%3A1"

    def ended() -> Any:
        (text,) = called.answer(url, body)[2]
        job = json.loads(text)["request_id"]
        told = called.status("fal-ai/flux", job)
        return (
            told["status"],
            told.get("error"),
            called.answer(f"queue.fal.run/fal-ai/flux/requests/{job}", None, "GET"),
        )

    before = ended()
    called.keep()
    assert ended() == before


@pytest.mark.parametrize("body", ['{"prompt": "a cat"}', '{"prompt": 7}', "{}"])
@pytest.mark.parametrize(
    ("path", "host"),
    [
        (f"{FLUX}/realtime", "fal.run"),
        (FLUX, "ws.fal.run"),
        (f"{LLM}/stream", "ws.fal.run"),
        (LLM, "ws.fal.run"),
        (LLM, "fal.run"),
    ],
)
def test_a_message_on_a_socket(path: str, host: str, body: str) -> None:
    called = Called()

    def frames() -> list[str]:
        talk = Talk(called, path, host) >> body  # type: ignore[arg-type]
        return [
            str(frame)
            for frame in talk.inbox
            if "x-fal-request-id" not in str(frame) and "request_id" not in str(frame)
        ]

    before = frames()
    assert before
    number = called.message()
    called.ask("POST", PATH, {"call": number}, status=201)
    called.without()
    assert frames() == before


def test_an_error_that_repeats_what_a_fixture_takes_for_a_form() -> None:
    called = Called()
    body = {"prompt": {"$input": "scale", "default": 1}}
    before = called.answer(f"fal.run/{FLUX}", body)
    assert before[0] == 422
    assert "begins with $" in called.refused()
    called.keep(input="any")
    assert called.answer(f"fal.run/{FLUX}", body) == before


def test_a_call_that_a_fixture_answered_is_not_answered_in_another_way() -> None:
    called = Called(answering({"a": {"$input": "n", "default": 1}}), validate=Validate.ON)
    called.run("t/e", {})
    assert "test.json#0 answered it (matches by model): name it as `like`" in called.refused()
    called.ask("POST", PATH, {"call": 1, "response": {"json": 2}}, status=201)
    assert called.run("t/e", {}) == 2
    called.without()
    assert "it is no longer there" in called.refused()


def test_what_was_answered_by_no_model_is_told() -> None:
    called = Called(auth=AuthRule(required=True))
    called.answer(f"fal.run/{FLUX}", {"prompt": "a"})
    assert "answered with 401" in called.refused()
    called = Called()
    called.answer(f"fal.run/{FLUX}", {"prompt": "a"}, **{"x-fal-request-timeout": "soon"})
    called.answer(f"queue.fal.run/{FLUX}", {"prompt": "a"}, **{"x-app-fal-upload-policy": "[]"})
    called.answer(f"fal.run/{FLUX}", {"prompt": "a"}, **{"x-falmock-fault": "internal_server_error"})
    assert "answered with 400" in called.refused(1)
    assert "answered with 200 (bad upload policy), and now schema:" in called.refused(2)
    assert "fault" in called.refused(3)


def test_a_schema_that_is_gone_is_told() -> None:
    called = Called()
    called.run(FLUX, {"prompt": "a cat"})
    called.engines.use_fixtures(Index())
    told = called.refused()
    assert f"(made by the schema of {FLUX})" in told
    assert f"now guess:{FLUX}#0 would answer it" in told


def test_the_files_in_a_message_are_not_in_the_journal() -> None:
    called = Called()
    Talk(called, f"{ZOOM}/realtime") >> {"image_url": SMALL}  # type: ignore[arg-type]
    number = called.message()
    assert "does not have the files" in called.refused(number)
    called.ask("POST", PATH, {"call": number, "response": {"json": 1}}, status=201)


@pytest.mark.parametrize("body", [b'{"prompt": }', b"[]", b"text", b'{"a": NaN}'])
def test_a_body_that_is_no_object_becomes_none(body: bytes) -> None:
    called = Called()
    called.answer(f"fal.run/{FLUX}", body)
    for more in ({}, {"response": {"json": 1}}):
        assert "no JSON object" in called.refused(**more)


def test_an_input_without_a_prompt_matches_by_no_prompt() -> None:
    called = Called()
    called.answer(f"fal.run/{FLUX}", {"scale": 1})
    assert "has no prompt" in called.refused(input="prompt")


def test_what_asks_no_model_or_was_not_kept_becomes_none() -> None:
    called = Called()
    called.status("fal-ai/flux", called.submit(FLUX, {"prompt": "a cat"}))
    called.run("acme/new", {"a": "x" * 100_000})
    called.run("acme/new", {"a": 1})
    assert "asks no model for anything: it is a status" in called.refused(2)
    assert "too long to be kept whole" in called.refused(3)
    assert "nothing is known of what acme/new answers" in called.refused(4)


def test_files_become_assets_and_the_prompt_may_be_all_that_counts() -> None:
    called = Called()
    called.engines.use_fixtures(Index())
    before = called.run(FLUX, {"prompt": "a cat"})
    called.keep(input="prompt")
    after = called.run(FLUX, {"prompt": "a cat on a hill"})
    (old,), (new,) = before["images"], after["images"]
    assert {**before, "images": [{**old, "url": new["url"]}]} == after
    called.engines.common.scope.assets.made._recipes.clear()
    file = called.call("GET", new["url"])
    assert isinstance(file, Reply)
    assert file.status == 200
