from __future__ import annotations

import pytest

from falmock.wire import endpoint
from falmock.wire.huggingface import KNOWN
from falmock.wire.huggingface import Provided
from falmock.wire.huggingface import answer
from falmock.wire.huggingface import provided


def test_what_is_known_names_endpoints() -> None:
    for model, known in KNOWN.items():
        assert str(endpoint.parse(known.endpoint)) == known.endpoint
        assert model.count("/") == 1
        assert known.task


@pytest.mark.parametrize(
    ("model", "endpoints", "found"),
    [
        ("Acme/Qwen-Thing", ["fal-ai/qwen-thing", "x/y"], ["fal-ai/qwen-thing"]),
        ("a/b", ["fal-ai/b", "a/b"], ["a/b", "a/b", "fal-ai/b"]),
        ("a/b-2", ["fal-ai/b", "fal-ai/b/2"], ["fal-ai/b/2"]),
        ("a", ["fal-ai/b"], []),
        ("openai/whisper-large-v3", [], ["fal-ai/whisper"]),
        ("openai/whisper-large-v3", ["x/whisper-large/v3"], ["fal-ai/whisper", "x/whisper-large/v3"]),
    ],
)
def test_which_endpoints_may_serve_a_model(model: str, endpoints: list[str], found: list[str]) -> None:
    assert [each.endpoint for each in provided(model, endpoints)] == found


def test_the_answer_names_fal_alone() -> None:
    body = answer("a/b", Provided("fal-ai/b", "text-to-image"))
    assert body["id"] == "a/b"
    assert list(body["inferenceProviderMapping"]) == ["fal-ai"]
