"""Families of models."""

from __future__ import annotations

import pytest

from falmock.synthesis.outputs.families import Family
from falmock.synthesis.outputs.families import family_of


@pytest.mark.parametrize(
    ("endpoint", "family"),
    [
        ("fal-ai/flux-2-trainer/edit", Family.TRAINING),
        ("fal-ai/florence-2-large/more-detailed-caption", Family.RESULTS),
        ("fal-ai/florence-2-large/object-detection", Family.IMAGE),
        ("fal-ai/any-llm", Family.OUTPUT),
        ("openrouter/router/vision", Family.OUTPUT),
        ("fal-ai/whisper", Family.TEXT),
        ("fal-ai/elevenlabs/speech-to-text", Family.TEXT),
        ("fal-ai/meshy/v6/text-to-3d", Family.GLB),
        ("fal-ai/hyper3d/rodin/v2", Family.MESH),
        ("fal-ai/minimax/speech-02-hd", Family.AUDIO),
        ("fal-ai/kling-video/v1/tts", Family.AUDIO),
        ("fal-ai/elevenlabs/dubbing", Family.VIDEO),
        ("fal-ai/kling-video/v2.1/master/text-to-video", Family.VIDEO),
        ("fal-ai/veo3/fast", Family.VIDEO),
        ("fal-ai/sam2/video", Family.VIDEO),
        ("fal-ai/clarity-upscaler", Family.IMAGE),
        ("fal-ai/imageutils/rembg", Family.IMAGE),
        ("fal-ai/Flux/Dev", Family.IMAGES),
        ("fal-ai/flux-lora/stream", Family.IMAGES),
        ("fal-ai/nano-banana/edit", Family.IMAGES),
        ("fal-ai/hunyuan_world", Family.IMAGE),
        ("acme/sorter", None),
        ("", None),
    ],
)
def test_by_the_id(endpoint: str, family: Family | None) -> None:
    assert family_of(endpoint) is family


@pytest.mark.parametrize(
    ("category", "family"),
    [
        ("text-to-image", Family.IMAGES),
        ("image-to-image", Family.IMAGES),
        ("text-to-video", Family.VIDEO),
        ("image-to-video", Family.VIDEO),
        ("video-to-video", Family.VIDEO),
        ("audio-to-video", Family.VIDEO),
        ("text-to-speech", Family.AUDIO),
        ("speech-to-speech", Family.AUDIO),
        ("text-to-audio", Family.AUDIO),
        ("audio-to-audio", Family.AUDIO),
        ("text-to-music", Family.AUDIO),
        ("video-to-audio", Family.AUDIO),
        ("speech-to-text", Family.TEXT),
        ("image-to-3d", Family.GLB),
        ("3d-to-3d", Family.GLB),
        ("Vision", Family.OUTPUT),
        ("llm", Family.OUTPUT),
        ("video-to-text", Family.OUTPUT),
        ("training", Family.TRAINING),
        ("text-to-json", None),
        ("unknown", None),
    ],
)
def test_by_the_category(category: str, family: Family | None) -> None:
    assert family_of("acme/sorter", category) is family


def test_the_id_decides_among_those_of_its_category() -> None:
    assert family_of("fal-ai/imageutils/rembg", "image-to-image") is Family.IMAGE
    assert family_of("fal-ai/triposr", "image-to-3d") is Family.MESH
    assert family_of("fal-ai/kling-video", "text-to-image") is Family.IMAGES


def test_the_api_of_openai_is_no_family() -> None:
    assert family_of("openrouter/router/openai/v1/chat/completions", "llm") is None
