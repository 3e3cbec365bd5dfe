from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

MODELS = "https://huggingface.co/api/models/"
ASKED = "?expand=inferenceProviderMapping"
IMAGES: dict[str, Any] = {"images": [{"url": "https://v3b.fal.media/files/b/0a/cat.png"}]}


def fixture(model: str, made: Any, given: Any = None) -> dict[str, Any]:
    return {"match": {"model": model, "input": given or {"prompt": "a cat"}}, "response": {"json": made}}


def mapped(reply: Any) -> Any:
    return read(reply)["inferenceProviderMapping"]


@pytest.mark.parametrize(
    "query", [ASKED, "?expand[]=inferenceProviderMapping", "?expand%5B%5D=inferenceProviderMapping"]
)
@pytest.mark.parametrize(
    ("model", "endpoint", "task", "made", "given"),
    [
        ("black-forest-labs/FLUX.1-schnell", "fal-ai/flux/schnell", "text-to-image", IMAGES, None),
        # Its fixture is for any picture, its task is the known one.
        ("black-forest-labs/FLUX.1-dev", "fal-ai/flux/dev", "text-to-image", {"odd": 1}, {"image_url": "x"}),
        ("openai/whisper-large-v3", "fal-ai/whisper", "automatic-speech-recognition", {"text": "ho"}, None),
        # Not in the list: the same name, or the same id.
        ("Acme/Nice-Video.2", "fal-ai/nice/video-2", "text-to-video", {"video": {}}, None),
        ("acme/talk", "acme/talk", "automatic-speech-recognition", {"text": ""}, {"audio_url": "x"}),
    ],
)
def test_a_model_is_mapped_to_the_endpoint_that_has_fixtures(
    query: str, model: str, endpoint: str, task: str, made: Any, given: Any
) -> None:
    reply = Client(fixture(endpoint, made, given), fixture("x/other", IMAGES)).send("GET", f"{MODELS}{model}{query}")
    assert (reply.status, header(reply, "x-falmock-synthesized")) == (200, "1")
    assert read(reply)["id"] == model
    assert mapped(reply) == {"fal-ai": {"status": "live", "providerId": endpoint, "task": task}}


def test_a_pattern_is_a_fixture_for_an_endpoint_too() -> None:
    reply = Client(fixture("fal-ai/flux/*", IMAGES)).send("GET", f"{MODELS}black-forest-labs/FLUX.1-schnell{ASKED}")
    assert mapped(reply)["fal-ai"]["providerId"] == "fal-ai/flux/schnell"


@pytest.mark.parametrize(
    ("model", "fixtures"),
    [
        ("black-forest-labs/FLUX.1-schnell", [fixture("fal-ai/flux/dev", IMAGES)]),
        ("meta/llama", [fixture("fal-ai/flux/dev", IMAGES)]),
        ("meta/llama", [fixture("*", IMAGES)]),
        # Nothing says for which task it is.
        ("acme/odd", [fixture("acme/odd", {"odd": 1})]),
        ("acme/odd", []),
    ],
)
def test_another_model_goes_on_to_hugging_face(model: str, fixtures: list[Any]) -> None:
    effect = Client(*fixtures).effect("GET", f"{MODELS}{model}{ASKED}")
    assert isinstance(effect, Forward)
    assert f"an endpoint that serves {model}" in effect.why
    assert "huggingface.co" in effect.why


def test_made_answers_are_answers_too() -> None:
    client = Client(misses=Misses.SYNTHESIZE)
    reply = client.send("GET", f"{MODELS}black-forest-labs/FLUX.1-schnell{ASKED}")
    assert mapped(reply)["fal-ai"]["providerId"] == "fal-ai/flux/schnell"
    assert isinstance(client.effect("GET", f"{MODELS}acme/odd{ASKED}"), Forward)


def test_what_was_recorded_is_answered_first() -> None:
    recorded = {
        "id": "a/b",
        "inferenceProviderMapping": {"fal-ai": {"providerId": "a/c", "status": "live", "task": "t"}},
    }
    rule = {"method": "GET", "host": "huggingface.co", "path": "/api/models/fal-ai/flux"}
    for mode in (Mode.REPLAY, Mode.AUTO):
        client = Client({"match": rule, "response": {"json": recorded}}, fixture("fal-ai/flux", IMAGES), mode=mode)
        reply = client.send("GET", f"{MODELS}fal-ai/flux{ASKED}")
        assert read(reply) == recorded
        assert header(reply, "x-falmock-fixture") == "test.json#0"


def test_while_recording_it_is_asked_for() -> None:
    client = Client(fixture("fal-ai/flux", IMAGES), mode=Mode.AUTO)
    assert isinstance(client.effect("GET", f"{MODELS}fal-ai/flux{ASKED}"), Forward)


def test_where_the_host_is_asked_for_nothing_goes_on() -> None:
    client = Client(fixture("fal-ai/flux", IMAGES), hosts=Hosts({"huggingface.co": Role.HF}))
    assert mapped(client.send("GET", f"{MODELS}fal-ai/flux{ASKED}"))["fal-ai"]["providerId"] == "fal-ai/flux"
    miss = client.send("GET", f"{MODELS}meta/llama{ASKED}")
    assert (miss.status, header(miss, "x-error-code"), header(miss, "x-falmock-miss")) == (404, "RepoNotFound", "1")
    assert "path /api/models/meta/llama" in read(miss)["error"]
    other = client.effect("GET", "https://huggingface.co/a/b/resolve/main/config.json")
    assert isinstance(other, Reply)
    assert other.status == 501
