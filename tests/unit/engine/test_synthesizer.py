from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.engine.config import Validate
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.synthesizer import Synthesizer
from falmock.fixtures.matching.index import Index
from falmock.synthesis.media.files import content_of
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.outputs.made import OutputMaker
from falmock.wire.message import Content
from falmock.wire.model_document import model_document
from falmock.wire.storage import content_url
from falmock.wire.storage import digest
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import index_of
from unit.engine.calls import read

MODEL = "acme/painter"
_INPUT = {
    "type": "object",
    "x-fal-order-properties": ["prompt", "num_images", "seed"],
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "seed": {"type": "integer"},
    },
}
_OUTPUT = {
    "type": "object",
    "required": ["images", "seed", "prompt"],
    "properties": {
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "title": "Image",
                "required": ["url"],
                "properties": {
                    "url": {"type": "string"},
                    "width": {"type": "integer"},
                    "height": {"type": "integer"},
                    "content_type": {"type": "string", "default": "image/png"},
                },
            },
        },
        "seed": {"type": "integer"},
        "prompt": {"type": "string"},
    },
}
DOCUMENT = model_document(MODEL, "text-to-image", _INPUT, _OUTPUT, "")
RECORDED = {
    "match": {"model": MODEL, "input": {"prompt": 5}, "exact": True},
    "response": {"json": {"recorded": True}},
    "recorded": {"at": "2026-11-20T10:11:12+00:00"},
}
WRITTEN = {"match": {"model": MODEL}, "response": {"json": {"written": True}}}


class Modelled(Client):
    """A client of an engine that has the model's document."""

    def __init__(self, *fixtures: dict[str, Any], document: Any = DOCUMENT, **config: Any) -> None:
        super().__init__(*fixtures, **config)
        found = index_of(*fixtures)
        self.engines.use_fixtures(Index(found.fixtures, found.assets, schemas={MODEL: document}))


def synthesizing(*fixtures: dict[str, Any], **more: Any) -> Modelled:
    return Modelled(*fixtures, misses=Misses.SYNTHESIZE, **more)


def warning(reply: Reply) -> str:
    return reply.warning


def refusals(reply: Reply) -> list[tuple[str, list[Any]]]:
    assert reply.status == 422
    return [(problem["type"], problem["loc"]) for problem in read(reply)["detail"]]


# checks


BAD = {"num_images": 6, "promt": "a cat"}
_BOTH = [("missing", ["body", "prompt"]), ("less_than_equal", ["body", "num_images"])]


def test_an_input_that_fal_would_refuse_is_warned_of() -> None:
    client = Modelled(WRITTEN)
    reply = client.run(MODEL, BAD)
    assert read(reply) == {"written": True}
    expected = f"fal would refuse this input of {MODEL}: prompt"
    assert warning(reply).startswith(expected)
    assert "num_images is 6" in warning(reply)
    assert "promt" in warning(reply)
    assert header(reply, "x-falmock-warning").startswith(quote(expected, safe=" :/"))
    assert client.engine.scope.journal.entries[-1].warning == warning(reply)
    assert warning(client.submit(MODEL, BAD)) == warning(reply)
    assert warning(client.run(MODEL, {"prompt": "a cat"})) == ""


def test_unknown_keys_pass_with_a_hint() -> None:
    reply = Modelled(WRITTEN, validate=Validate.ON).run(
        MODEL, {"prompt": "a", "sed": 1, **{f"x{n}": n for n in range(9)}}
    )
    assert read(reply) == {"written": True}
    assert warning(reply).startswith(f"{MODEL} ignores sed")
    assert "seed" in warning(reply)
    assert warning(reply).endswith("and 5 more")


def test_it_is_refused_if_asked_for() -> None:
    client = Modelled(WRITTEN, validate=Validate.ON)
    reply = client.run(MODEL, BAD)
    assert refusals(reply) == _BOTH
    assert reply.fixture == "test.json#0"
    assert header(reply, "x-fal-billable-units") == "0"
    job = client.job(MODEL, BAD)
    assert client.status(job)["status"] == "COMPLETED"
    assert refusals(client.send("GET", job)) == _BOTH
    streamed = client.send("POST", f"https://fal.run/{MODEL}/stream", BAD)
    assert refusals(streamed) == _BOTH
    assert read(client.run(MODEL, {"prompt": "a"})) == {"written": True}


def test_a_body_is_missing_where_fal_reads_one() -> None:
    client = Modelled(WRITTEN, validate=Validate.ON)
    assert refusals(client.send("POST", f"https://fal.run/{MODEL}")) == [("missing", ["body"])]
    assert refusals(client.run(MODEL, {})) == [("missing", ["body", "prompt"])]


def test_what_was_recorded_is_never_refused() -> None:
    client = Modelled(RECORDED, validate=Validate.ON)
    reply = client.run(MODEL, {"prompt": 5})
    assert (read(reply), warning(reply)) == ({"recorded": True}, "")


def test_nothing_is_checked_if_so_asked() -> None:
    reply = Modelled(WRITTEN, validate=Validate.OFF).run(MODEL, BAD)
    assert (read(reply), warning(reply)) == ({"written": True}, "")


def test_a_document_without_an_input_is_told_once() -> None:
    dangling = json.loads(json.dumps(DOCUMENT))
    dangling["paths"][f"/{MODEL}"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {"$ref": "#/no"}
    client = Modelled(WRITTEN, document=dangling, validate=Validate.ON)
    first = client.run(MODEL, BAD)
    assert warning(first).startswith(f"the schema of {MODEL} checks nothing: ")
    assert warning(client.run(MODEL, BAD)) == ""


def test_an_input_that_was_fine_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Modelled(WRITTEN, validate=Validate.ON)
    assert client.run(MODEL, {"prompt": "a"}).status == 200
    name, check = Synthesizer(client.engine._context, client.engine.digest_of)._check(query_of(client), ())
    assert name == MODEL
    assert check is not None
    monkeypatch.setattr(type(check), "check", lambda *_: pytest.fail("it was checked again"))
    assert client.run(MODEL, {"prompt": "a"}).status == 200


def query_of(client: Client) -> Any:
    from falmock.engine import inputs
    from falmock.wire.message import Request

    request = Request("POST", "fal.run", f"/{MODEL}", "", {}, b"{}")
    return inputs.read(request, MODEL, client.engine.digest_of)


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(("side", "kinds"), [(64, ["image_too_small"]), (512, [])])
def test_files_have_limits(side: int, kinds: list[str], *, inline: bool) -> None:
    limited = json.loads(json.dumps(DOCUMENT))
    fields = limited["components"]["schemas"]["PainterInput"]["properties"]
    fields["image_url"] = {"type": "string", "x-fal": {"min_width": 300, "min_height": 300}}
    content = content_of(Recipe("image/png", side, side))
    warning_one = Modelled(WRITTEN, document=limited)
    for client in (
        Modelled(WRITTEN, document=limited, validate=Validate.ON),
        synthesizing(document=limited),
        warning_one,
    ):
        url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
        if not inline:
            asset = client.engine.scope.assets.put(
                Content(digest(content), len(content), content), "a.png", "image/png"
            )
            url = content_url(asset.sha256, "a.png")
        reply = client.run(MODEL, {"prompt": "a", "image_url": url})
        if client is warning_one:
            assert ("too small" in warning(reply)) is bool(kinds)
            continue
        assert (reply.status, [kind for kind, _ in refusals(reply)] if kinds else []) == (422 if kinds else 200, kinds)
    unknown = "https://example.com/a.png"
    assert synthesizing(document=limited).run(MODEL, {"prompt": "a", "image_url": unknown}).status == 200


# made answers


def test_a_miss_gets_an_answer_by_the_schema() -> None:
    client = synthesizing()
    reply = client.run(MODEL, {"prompt": "a cat", "num_images": 2, "seed": 2**63})
    made = read(reply)
    assert (made["prompt"], made["seed"], len(made["images"])) == ("a cat", 2**63, 2)
    assert (reply.fixture, header(reply, "x-falmock-synthesized")) == (f"schema:{MODEL}#0", "schema")
    assert read(client.run(MODEL, {"seed": 2**63, "num_images": 2, "prompt": "a cat"})) == made
    assert client.engines.totals.synthesized == 2
    picture = client.send("GET", made["images"][0]["url"])
    assert bytes(picture.body).startswith(b"\x89PNG")
    assert header(picture, "content-type") == "image/png"


def test_what_was_made_is_kept_for_the_same_input_and_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    client = synthesizing()
    first = client.run(MODEL, {"prompt": "a cat"})
    client.engine.scope.assets.made._recipes.clear()
    calls: list[int] = []
    make = OutputMaker.make

    def counted(*given: Any, **more: Any) -> Any:
        calls.append(1)
        return make(*given, **more)

    monkeypatch.setattr(OutputMaker, "make", counted)
    again = client.run(MODEL, {"prompt": "a cat"})
    assert (again.body, calls) == (first.body, [])
    assert client.send("GET", read(again)["images"][0]["url"]).status == 200
    assert client.run(MODEL, {"prompt": "a cat", "seed": 1}).body != first.body
    client.engines.use_fixtures(Index(schemas={MODEL: json.loads(json.dumps(DOCUMENT))}))
    client.run(MODEL, {"prompt": "a cat"})
    assert len(calls) == 2
    for number in range(300):
        client.run(MODEL, {"prompt": f"{number}"})
    assert client.run(MODEL, {"prompt": "a cat"}).body == first.body


def test_a_job_has_the_same_answer() -> None:
    client = synthesizing()
    made = read(client.run(MODEL, {"prompt": "a cat"}))
    submitted = client.submit(MODEL, {"prompt": "a cat"})
    assert header(submitted, "x-falmock-synthesized") == "schema"
    job = read(submitted)["response_url"]
    assert client.status(job)["status"] == "COMPLETED"
    assert read(client.send("GET", job)) == made


def test_made_answers_are_always_checked() -> None:
    client = synthesizing(validate=Validate.OFF)
    reply = client.run(MODEL, BAD)
    assert refusals(reply) == _BOTH
    assert header(reply, "x-falmock-synthesized") == "schema"
    assert "promt" in warning(reply)


def test_without_a_schema_it_is_a_guess() -> None:
    client = synthesizing()
    reply = client.run("fal-ai/flux/dev", {"prompt": "a cat"})
    assert (reply.status, header(reply, "x-falmock-synthesized")) == (200, "guess")
    assert read(reply)["prompt"] == "a cat"


def test_a_recorded_category_says_what_to_guess() -> None:
    listed = {"models": [{"endpoint_id": "acme/unheard-of", "metadata": {"category": "text-to-video"}}]}
    match = {"host": "api.fal.ai", "path": "/v1/models", "method": "GET"}
    client = synthesizing({"match": match, "response": {"json": listed}})
    made = read(client.run("acme/unheard-of", {"prompt": "a cat"}))
    assert made["video"]["content_type"] == "video/mp4"
    assert "category text-to-video" in client.engine.scope.journal.entries[-1].why


def test_what_nothing_is_known_of_stays_a_miss() -> None:
    reply = synthesizing().run("acme/unheard-of", {"a": 1})
    assert reply.miss is not None
    assert "falmock schemas fetch acme/unheard-of" in reply.miss.text


@pytest.mark.parametrize("mode", [Mode.AUTO])
def test_only_a_replay_makes_answers(mode: Mode) -> None:
    client = synthesizing()
    query, synthesizer = query_of(client), Synthesizer(client.engine._context, client.engine.digest_of)
    assert synthesizer.made(query, ()) is not None
    client.engines.use_config(client.engines.config.__class__(mode=mode, misses=Misses.SYNTHESIZE))
    assert synthesizer.made(query, ()) is None


def test_a_stream_is_made_of_events() -> None:
    client = synthesizing()
    effect = client.effect("POST", "https://fal.run/fal-ai/any-llm/stream", {"prompt": "hello"})
    assert isinstance(effect, Stream)
    listener = client.listen("POST", "https://fal.run/fal-ai/any-llm/stream", {"prompt": "hello"}).wait()
    assert len(listener.data) > 1
    assert listener.data[-1]["partial"] is False
    single = client.listen("POST", f"https://fal.run/{MODEL}/stream", {"prompt": "hello"}).wait()
    assert [event["prompt"] for event in single.data] == ["hello"]


@pytest.mark.parametrize(
    ("misses", "model", "told"),
    [
        (
            Misses.FAIL,
            MODEL,
            "To have an answer made by its schema: mitmdump -s addon/falmock_addon.py --set fal_miss=synthesize",
        ),
        (
            Misses.FAIL,
            "fal-ai/flux/dev",
            "To have an answer made as a guess (falmock schemas fetch fal-ai/flux/dev gets its schema): ",
        ),
        (
            Misses.FAIL,
            "acme/unheard-of",
            "To have an answer made, get the model's schema first: falmock schemas fetch acme/unheard-of",
        ),
        (Misses.SYNTHESIZE, "acme/unheard-of", "None was made, as nothing is known of what acme/unheard-of answers."),
    ],
)
def test_the_report_says_how_an_answer_can_be_made(misses: Misses, model: str, told: str) -> None:
    reply = Modelled(misses=misses).run(model, {"prompt": "a"})
    assert reply.miss is not None
    assert told in reply.miss.text


def test_the_report_shows_what_the_schema_would_make_and_serves_its_files() -> None:
    client = Modelled()
    reply = client.run(MODEL, {"prompt": "a cat", "seed": 5})
    assert reply.miss is not None
    stub = reply.miss.text
    assert '"prompt": "a cat"' in stub
    url = stub.partition('"url": "')[2].partition('"')[0]
    assert url.startswith("https://v3b.fal.media/files/")
    assert client.send("GET", url).status == 200


def test_a_guess_is_no_example() -> None:
    reply = Modelled().run("fal-ai/flux/dev", {"prompt": "a cat"})
    assert reply.miss is not None
    assert '"images"' not in reply.miss.text


def test_the_report_has_an_output_by_the_schema() -> None:
    def proposed(client: Client, model: str, given: dict[str, Any]) -> Any:
        report = client.run(model, given).miss
        assert report is not None
        return json.loads(report.text.rpartition("fixtures folder: ")[2])["fixtures"][0]["response"]["json"]

    output = proposed(Modelled(), MODEL, {"prompt": "a cat", "num_images": 2, "seed": 5, "sync_mode": True})
    assert (output["prompt"], output["seed"], len(output["images"])) == ("a cat", 5, 2)
    assert {image["url"].partition("/files/")[0] for image in output["images"]} == {"https://v3b.fal.media"}
    assert proposed(Modelled(), "fal-ai/flux/schnell", {"prompt": "a cat"}) == {}


# fixtures that ask for it


def asking(overrides: Any, **match: Any) -> dict[str, Any]:
    return {"match": {"model": MODEL, **match}, "response": {"synthesize": overrides}}


def test_a_fixture_can_ask_for_a_made_answer() -> None:
    client = Modelled(asking({"seed": 7}))
    reply = client.run(MODEL, {"prompt": "a cat"})
    made = read(reply)
    assert (made["seed"], made["prompt"], len(made["images"])) == (7, "a cat", 1)
    assert (reply.fixture, header(reply, "x-falmock-synthesized")) == ("test.json#0", "schema")
    assert refusals(client.run(MODEL, {})) == [("missing", ["body", "prompt"])]
    assert client.engines.totals.replayed == 2


def test_what_it_says_may_use_the_input() -> None:
    client = Modelled(asking({"caption": {"$input": "prompt"}}))
    assert read(client.run(MODEL, {"prompt": "a cat"}))["caption"] == "a cat"


def test_it_says_if_nothing_is_known_of_the_model() -> None:
    fixture = {"match": {"model": "acme/unheard-of"}, "response": {"synthesize": {}}}
    reply = Client(fixture).run("acme/unheard-of", {})
    assert reply.status == 501
    assert "test.json#0 asks for a made answer" in read(reply)["detail"]
