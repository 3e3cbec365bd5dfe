from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine import inputs
from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.engine.config import Validate
from falmock.engine.effects import Stream
from falmock.fixtures.matching.index import Index
from falmock.synthesis.outputs.made import OutputMaker
from falmock.wire.message import Request
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read
from unit.engine.synthesis.modelled import BAD
from unit.engine.synthesis.modelled import BOTH
from unit.engine.synthesis.modelled import DOCUMENT
from unit.engine.synthesis.modelled import MODEL
from unit.engine.synthesis.modelled import Modelled
from unit.engine.synthesis.modelled import refusals
from unit.engine.synthesis.modelled import synthesizing
from unit.engine.synthesis.modelled import warning

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
    assert refusals(reply) == BOTH
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
    synthesizer = client.engine._answers._synthesizer
    query = inputs.read(
        Request("POST", "fal.run", f"/{MODEL}", "", {}, b'{"prompt": "a"}'), MODEL, client.engine.digest_of
    )
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
