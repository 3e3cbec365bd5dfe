"""The outputs of families."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from falmock.synthesis.outputs.families import Family
from falmock.synthesis.outputs.family_schemas import FAMILY_SCHEMAS
from falmock.synthesis.outputs.made import made_output
from unit.synthesis.outputs.schemas import problems

KEYS = {
    Family.IMAGES: ("fal-ai/flux/dev", ["images", "timings", "seed", "has_nsfw_concepts", "prompt"]),
    Family.IMAGE: ("fal-ai/clarity-upscaler", ["image"]),
    Family.VIDEO: ("fal-ai/veo3", ["video", "seed"]),
    Family.AUDIO: ("fal-ai/kokoro/hindi", ["audio"]),
    Family.TRAINING: ("fal-ai/wan-trainer", ["diffusers_lora_file", "config_file"]),
    Family.GLB: ("fal-ai/meshy/v5/retexture", ["model_glb", "model_urls", "seed"]),
    Family.MESH: ("fal-ai/triposr", ["model_mesh", "seed"]),
    Family.RESULTS: ("fal-ai/florence-2-large/ocr", ["results"]),
    Family.OUTPUT: ("fal-ai/any-llm", ["output", "partial", "error"]),
    Family.TEXT: ("fal-ai/wizper", ["text", "chunks", "inferred_languages"]),
}


@pytest.mark.parametrize("family", Family)
def test_an_answer_of_each_family(family: Family) -> None:
    endpoint, keys = KEYS[family]
    made = made_output(None, endpoint, {"prompt": "a cat"})
    assert made is not None
    assert list(made.payload) == keys
    Draft202012Validator.check_schema(FAMILY_SCHEMAS[family])
    assert problems({"components": {}}, FAMILY_SCHEMAS[family], made.payload) == []
