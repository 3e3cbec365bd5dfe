from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.platform.platform import MADE_UP
from falmock.gateway.door import FalCall
from falmock.gateway.openai import errors
from falmock.gateway.openai.generation import RETRY_SCHEMA_SECONDS
from falmock.gateway.openai.generation import SUSPEND_SECONDS
from falmock.gateway.openai.generation import FalKeys
from falmock.wire.message import Request
from falmock.wire.message import header_map
from unit.engine.calls import index_of
from unit.gateway.openais import ANY
from unit.gateway.openais import BEARER
from unit.gateway.openais import GENERATIONS
from unit.gateway.openais import NOW
from unit.gateway.openais import App
from unit.gateway.openais import document
from unit.gateway.openais import failed
from unit.gateway.openais import forwarding
from unit.gateway.openais import knowing
from unit.gateway.openais import made
from unit.gateway.openais import names
from unit.gateway.openais import read


def test_an_answer() -> None:
    reply = App(index_of(ANY)).reply("POST", GENERATIONS, b'{"model": "a/b", "prompt": "x"}')
    url = "http://here:80/v1/images/files/v3.fal.media/1"
    assert read(reply) == {"created": int(NOW), "data": [{"url": url, "revised_prompt": "better"}]}
    assert reply.fixture == "test.json#0"
    assert header_map(reply.headers)["x-request-id"] == header_map(reply.headers)["x-fal-request-id"]
    assert header_map(reply.headers)["x-falmock-fixture"] == "test.json#0"


def test_a_model_is_asked_until_there_are_enough() -> None:
    app = App(index_of(ANY))
    assert len(app.generate(n=3)["data"]) == 3
    assert app.runs == [{"prompt": "x", "num_images": number} for number in (3, 2)] + [{"prompt": "x"}]


@pytest.mark.parametrize(("maximum", "counts"), [(4, [4, 4, 2]), (10, [10]), (1, [1] * 10), (None, [10])])
def test_a_model_is_asked_for_as_many_as_it_makes_at_once(maximum: int | None, counts: list[int]) -> None:
    field = {"type": "integer", "default": 1} | ({"maximum": maximum} if maximum else {})
    app = App(
        knowing(num_images=field),
        lambda request: made(*"abcdefghij"[: json.loads(request.body).get("num_images", 1)]),
    )
    assert len(app.generate(n=10)["data"]) == 10
    assert [run.get("num_images", 1) for run in app.runs] == counts


def test_no_more_than_were_asked_for() -> None:
    assert names(App(fal=lambda _: made("a", "b")).generate(n=1)) == ["a"]


def test_a_model_that_makes_none_is_asked_once_and_again_no_more() -> None:
    app = App(fal=lambda _: made())
    reply = app.reply("POST", GENERATIONS, b'{"model": "a/b", "prompt": "x", "n": 3}')
    assert (reply.status, read(reply)["error"]["code"]) == (500, "no_image")
    assert errors.NO_RETRY in reply.headers
    assert len(app.runs) == 1


def test_some_of_many() -> None:
    answers = iter([made("a"), failed(500), made("c")])
    app = App(knowing(), lambda _: next(answers))
    reply = app.reply("POST", GENERATIONS, b'{"model": "a/b", "prompt": "x", "n": 3}')
    assert names(read(reply)) == ["a", "c"]
    assert header_map(reply.headers)["x-falmock-missing"] == "1"
    assert app.told == ["a/b: 2 of 3 images: No."]


def test_none_of_many() -> None:
    answers = iter([failed(429), failed(500), failed(500)])
    assert App(knowing(), lambda _: next(answers)).generate(n=3) == (429, "rate_limit_exceeded")


def test_a_fixture_may_be_plainer_than_what_is_asked() -> None:
    exact = {"match": {"model": "a/b", "input": {"prompt": "x"}, "exact": True}}
    app = App(index_of(exact | {"response": ANY["response"]}))
    assert len(app.generate(n=2, size="512x512", output_format="png", seed=1)["data"]) == 2
    assert app.runs == [{"prompt": "x"}] * 2


def test_the_fixture_that_is_for_all_of_it_goes_first() -> None:
    sized = {"prompt": "x", "image_size": {"width": 5, "height": 5}}
    app = App(index_of(ANY, {"match": {"model": "a/b", "input": sized}, "response": ANY["response"]}))
    assert app.generate(size="5x5")["data"]
    assert app.runs == [sized]


def test_scopes() -> None:
    turns = [{"match": {"model": "a/b"}, "response": {"json": {"image": f"https://v3.fal.media/{n}"}}} for n in (1, 2)]
    app = App(index_of(*turns))
    body = b'{"model": "a/b", "prompt": "x"}'
    seen = [read(reply)["data"] for s in "112" if isinstance(reply := app.send("POST", GENERATIONS, body, s), Reply)]
    assert [data[0]["url"][-1] for data in seen] == ["1", "2", "1"]


def test_in_base64() -> None:
    fal = {"queue.fal.run": made("a"), "v3.fal.media": Reply(200, (), b"png", "file")}
    app = App(fal=lambda request: fal[request.host])
    assert app.generate(response_format="b64_json")["data"] == [{"b64_json": "cG5n"}]
    fal["v3.fal.media"] = failed(404)
    assert app.generate(response_format="b64_json") == (502, None)


def test_of_several_files_one_cannot_be_fetched() -> None:
    def fal(request: Request) -> Reply:
        if request.host == "queue.fal.run":
            return made("a", "b", "c")
        return failed(404) if request.path == "/b" else Reply(200, (), request.path.encode(), "file")

    app = App(fal=fal)
    reply = app.reply("POST", GENERATIONS, b'{"model": "a/b", "prompt": "x", "n": 3, "response_format": "b64_json"}')
    assert [base64.b64decode(image["b64_json"]) for image in read(reply)["data"]] == [b"/a", b"/c"]
    assert header_map(reply.headers)["x-falmock-missing"] == "1"
    assert "2 of 3 images: The image was made, but could not be fetched" in app.told[-1]


def test_a_file_that_no_fixture_has_is_told_with_what_to_do() -> None:
    reply = App(index_of(ANY)).reply("POST", GENERATIONS, b'{"model": "a/b", "prompt": "x", "stream": true}')
    said = read(reply)["error"]["message"]
    assert (reply.status, errors.NO_RETRY in reply.headers) == (502, True)
    assert "the file at https://v3.fal.media/1 is not recorded" in said
    assert '{"$file": "cat.png"}' in said


# what models take


def test_what_nothing_is_known_of_is_said_once() -> None:
    app = App(index_of(ANY))
    for _ in range(2):
        app.generate(size="640x480")
    (told,) = app.told
    assert "the inputs of a/b are unknown" in told
    assert "_schemas/a/b.json" in told
    assert {request.host for request in app.asked} == {"queue.fal.run"}


def test_what_a_model_has_no_input_for_is_said_once() -> None:
    app = App(knowing(ANY))
    for _ in range(2):
        app.generate(size="640x480", quality="high")
    assert app.told == [f"a/b has no input for the requested {name}: it is left out" for name in ("size", "quality")]
    assert app.runs == [{"prompt": "x"}] * 2


def test_a_recorded_document_will_do() -> None:
    match = {
        "host": "fal.ai",
        "path": "/api/openapi/queue/openapi.json",
        "input": {"endpoint_id": "a/b"},
        "method": "GET",
    }
    told = document(prompt={"type": "string"}, aspect_ratio={"enum": ["1:1", "4:3"]})
    app = App(index_of(ANY, {"match": match, "response": {"json": told}}))
    app.generate(size="640x480")
    assert app.runs == [{"prompt": "x", "aspect_ratio": "4:3"}]
    assert app.told == []


def test_fal_is_asked_where_it_may_be() -> None:
    told = {"fal.ai": failed(502), "queue.fal.run": made("a")}
    app = forwarding(lambda request: told[request.host])
    for _ in range(2):
        app.generate(BEARER, size="640x480")
    questions = [request for request in app.asked if request.host == "fal.ai"]
    assert len(questions) == 1
    told["fal.ai"] = Reply(200, (), json.dumps(document(prompt={}, width={}, height={})).encode(), "told")
    for _ in range(2):
        app.now += RETRY_SCHEMA_SECONDS
        app.generate(BEARER, size="640x480")
    assert app.runs[1:] == [app.runs[0]] + [{"prompt": "x", "width": 640, "height": 480}] * 2
    assert len([request for request in app.asked if request.host == "fal.ai"]) == 2


def test_what_was_made_of_fixtures_is_not_believed() -> None:
    answer = Reply(200, (MADE_UP,), json.dumps(document(prompt={})).encode(), "made up")
    app = forwarding(lambda request: answer if request.host == "fal.ai" else made("a"), mode=Mode.AUTO)
    app.generate(BEARER, size="640x480")
    assert "image_size" in app.runs[0]


def test_a_stream_has_the_inputs_of_its_model() -> None:
    app = App(knowing({"match": {"model": "a/b/stream"}, "response": ANY["response"]}, width={}, height={}))
    app.generate(model="a/b/stream", size="640x480")
    assert app.told == []


# without any fixture


FLUX = "fal-ai/flux/dev"


def synthesizing(*fixtures: dict[str, Any], **properties: Any) -> App:
    """A door that makes answers; with properties, the model a/b has a schema of these inputs."""
    return App(knowing(*fixtures, **properties) if properties else index_of(*fixtures), misses=Misses.SYNTHESIZE)


def sizes(reply: Reply) -> list[tuple[int, int]]:
    return [size_of(base64.b64decode(image["b64_json"])) for image in read(reply)["data"]]


def size_of(content: bytes) -> tuple[int, int]:
    assert content.startswith(b"\x89PNG")
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def body_of(**wanted: Any) -> bytes:
    return json.dumps({"model": FLUX, "prompt": "a cat", **wanted}).encode()


def test_images_are_made() -> None:
    app = synthesizing()
    reply = app.reply("POST", GENERATIONS, body_of(n=3, size="640x480", response_format="b64_json"))
    assert sizes(reply) == [(640, 480)] * 3
    assert len({image["b64_json"] for image in read(reply)["data"]}) == 3
    assert header_map(reply.headers)["x-falmock-synthesized"] == "guess"
    assert "the inputs of fal-ai/flux/dev are unknown" in app.told[0]


def test_the_file_behind_a_url_is_made_when_it_is_read() -> None:
    app = synthesizing()
    (image,) = read(app.reply("POST", GENERATIONS, body_of(size="320x200")))["data"]
    call = app.send("GET", image["url"].removeprefix("http://here:80"))
    assert isinstance(call, FalCall)
    file = app.engines.handle(call.request, NOW)
    assert isinstance(file, Reply)
    assert isinstance(file.body, bytes)
    assert size_of(file.body) == (320, 200)


def test_an_edit_is_made() -> None:
    app = synthesizing()
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    given = {"images": [{"image_url": url}], "n": 2, "size": "512x512", "response_format": "b64_json"}
    reply = app.reply("POST", "/v1/images/edits", body_of(**given), content_type="application/json")
    assert sizes(reply) == [(512, 512)] * 2
    assert app.runs[0]["image_url"].startswith("https://")


def test_sizes_and_counts_are_those_of_the_schema() -> None:
    count = {"type": "integer", "maximum": 2, "default": 1}
    recorded = {"host": "fal.ai", "path": "/api/openapi/queue/openapi.json", "input": {"endpoint_id": FLUX}}
    told = document(FLUX, prompt={"type": "string"}, aspect_ratio={"enum": ["1:1", "4:3"]}, num_images=count)
    app = synthesizing({"match": recorded | {"method": "GET"}, "response": {"json": told}})
    reply = app.reply("POST", GENERATIONS, body_of(n=3, size="640x480", response_format="b64_json"))
    assert app.runs == [
        {"prompt": "a cat", "aspect_ratio": "4:3", "num_images": 2},
        {"prompt": "a cat", "aspect_ratio": "4:3"},
    ]
    made = sizes(reply)
    assert len(made) == 3
    assert all(0 < abs(width / height - 1) < 0.35 for width, height in made)
    assert app.told == []


def test_what_fal_would_refuse_is_refused_in_openais_form() -> None:
    app = synthesizing(strength={"type": "number", "maximum": 1})
    reply = app.reply("POST", GENERATIONS, body_of(model="a/b", strength=5))
    assert reply.status == 400
    assert read(reply)["error"] == {
        "message": "strength: Input should be less than or equal to 1",
        "type": "invalid_request_error",
        "param": "strength",
        "code": "less_than_equal",
    }
    assert header_map(reply.headers)["x-falmock-synthesized"] == "schema"


def test_what_nothing_is_known_of_is_no_model() -> None:
    assert synthesizing().generate(model="acme/unheard-of") == (404, "model_not_found")


# the images of an edit


def test_an_edit_in_json() -> None:
    """A URL goes on as it is, falmock's own as fal's; a data URL is uploaded as a file of a form is."""
    urls = ["https://elsewhere.test/a.png", "http://here:80/v1/images/files/v3.fal.media/files/b.png"]
    inline = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    stored = {"upload_url": "https://v3.fal.media/put", "file_url": "https://v3.fal.media/files/c.png"}

    def fal(request: Request) -> Reply:
        if request.host == "rest.fal.ai":
            return Reply(200, (), json.dumps(stored).encode(), "initiated")
        return Reply(200, (), b"", "stored") if request.method == "PUT" else made("a")

    app = App(fal=fal)
    given = {"model": "a/b", "prompt": "x", "images": [{"image_url": url} for url in (*urls, inline)]}
    given |= {"mask": {"image_url": inline}, "safety_identifier": "me", "complexity": "low"}
    reply = app.reply("POST", "/v1/images/edits", json.dumps(given).encode(), content_type="application/json")
    assert names(read(reply)) == ["a"]
    assert app.runs == [
        {
            "prompt": "x",
            "mask_url": stored["file_url"],
            "image_urls": [urls[0], "https://v3.fal.media/files/b.png", stored["file_url"]],
        }
    ]
    put = next(request for request in app.asked if request.method == "PUT")
    assert (put.body, put.headers["content-type"]) == (b"\x89PNG", "image/png")


# keys


def used(app: App) -> list[str]:
    return [request.headers["authorization"] for request in app.submits]


@pytest.mark.parametrize("refusal", [failed(401), failed(403, "User is locked. Reason: Exhausted balance.")])
def test_a_key_that_does_not_do_rests(refusal: Reply) -> None:
    app = forwarding(lambda request: refusal if "one" in repr(request.headers) else made("a"), "one:1", "two:2")
    for _ in range(3):
        assert names(app.generate(BEARER)) == ["a"]
    assert used(app) == ["Key one:1", "Key two:2", "Key two:2", "Key two:2"]
    assert len(app.told) == 2
    assert "one:1" not in repr(app.told)
    app.now += SUSPEND_SECONDS
    app.generate(BEARER)
    assert used(app)[4:] == ["Key one:1", "Key two:2"]


def test_other_troubles_are_not_the_keys() -> None:
    app = forwarding(
        lambda request: failed(403, "Forbidden") if request.host == "queue.fal.run" else failed(404), "one:1", "two:2"
    )
    assert app.generate(BEARER) == (403, "permission_denied")
    assert used(app) == ["Key one:1"]


def test_when_no_key_does_the_last_word_is_fals() -> None:
    app = forwarding(lambda _: failed(401), "one:1", "two:2")
    assert app.generate(BEARER) == (401, "invalid_api_key")
    assert used(app) == ["Key one:1", "Key two:2"]


ABC = ("a", "b", "c")


def test_keys_take_turns() -> None:
    keys = FalKeys()
    assert [keys.next(ABC, 0.0) for _ in range(4)] == ["a", "b", "c", "a"]
    assert keys.next((), 0.0) is None


def test_one_that_rests_is_passed_over() -> None:
    keys = FalKeys()
    keys.suspend("b", 100.0)
    assert [keys.next(ABC, 101.0) for _ in range(4)] == ["a", "c", "a", "c"]
    assert [keys.next(ABC, 100.0 + SUSPEND_SECONDS) for _ in range(3)] == ["a", "b", "c"]


def test_when_all_rest_the_one_goes_that_rested_longest() -> None:
    keys = FalKeys()
    for at, key in ((3.0, "a"), (1.0, "b"), (2.0, "c")):
        keys.suspend(key, at)
    assert keys.next(ABC, 4.0) == "b"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.floats(0, 5000))))
def test_there_is_always_a_key(story: list[tuple[str, bool, float]]) -> None:
    keys = FalKeys()
    for key, rests, now in story:
        if rests:
            keys.suspend(key, now)
        given = keys.next(("a", key), now)
        assert given in ("a", key)
