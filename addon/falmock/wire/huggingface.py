"""Which endpoint of fal's serves a model of Hugging Face's Hub, and for which task (PROTOCOL.md section 1.7)."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.wire.hosts import PROVIDERS


class Provided(NamedTuple):
    """The endpoint that serves a model of the Hub; `task` is "" if it is not known."""

    endpoint: str
    task: str = ""


_BY_TASK: Mapping[str, Mapping[str, str]] = {
    "text-to-image": {
        "black-forest-labs/FLUX.1-schnell": "fal-ai/flux/schnell",
        "black-forest-labs/FLUX.1-dev": "fal-ai/flux/dev",
        "black-forest-labs/FLUX.1-Krea-dev": "fal-ai/flux/krea",
        "black-forest-labs/FLUX.1-Depth-dev": "fal-ai/flux-lora-depth",
        "black-forest-labs/FLUX.1-Canny-dev": "fal-ai/flux-lora-canny",
        "black-forest-labs/FLUX.1-Fill-dev": "fal-ai/flux-lora-fill",
        "black-forest-labs/FLUX.1-Redux-dev": "fal-ai/flux/dev/redux",
        "playgroundai/playground-v2.5-1024px-aesthetic": "fal-ai/playground-v25",
        "ByteDance/SDXL-Lightning": "fal-ai/lightning-models",
        "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS": "fal-ai/pixart-sigma",
        "stabilityai/stable-diffusion-3-medium": "fal-ai/stable-diffusion-v3-medium",
        "stabilityai/stable-diffusion-3.5-large": "fal-ai/stable-diffusion-v35-large",
        "stabilityai/stable-diffusion-xl-base-1.0": "fal-ai/fast-sdxl",
        "tencent/HunyuanImage-3.0": "fal-ai/hunyuan-image/v3/text-to-image",
        "Warlord-K/Sana-1024": "fal-ai/sana",
        "fal/AuraFlow-v0.2": "fal-ai/aura-flow",
        "fal/AuraFlow-v0.3": "fal-ai/aura-flow",
        "guozinan/PuLID": "fal-ai/flux-pulid",
        "lllyasviel/ic-light": "fal-ai/iclight-v2",
        "Qwen/Qwen-Image": "fal-ai/qwen-image",
        "Kwai-Kolors/Kolors": "fal-ai/kolors",
        "Tongyi-MAI/Z-Image-Turbo": "fal-ai/z-image/turbo",
    },
    "image-to-image": {
        "black-forest-labs/FLUX.1-Kontext-dev": "fal-ai/flux-kontext/dev",
        "Qwen/Qwen-Image-Edit": "fal-ai/qwen-image-edit",
        "Yuanshi/OminiControl": "fal-ai/flux-subject",
        "fal/AuraSR-v2": "fal-ai/aura-sr",
        "ai-forever/Real-ESRGAN": "fal-ai/esrgan",
    },
    "image-text-to-image": {"black-forest-labs/FLUX.2-dev": "fal-ai/flux-2/edit"},
    "image-segmentation": {
        "briaai/RMBG-2.0": "fal-ai/bria/background/remove",
        "ZhengPeng7/BiRefNet": "fal-ai/birefnet/v2",
    },
    "text-to-video": {
        "genmo/mochi-1-preview": "fal-ai/mochi-v1",
        "THUDM/CogVideoX-5b": "fal-ai/cogvideox-5b",
        "Lightricks/LTX-Video": "fal-ai/ltx-video",
        "tencent/HunyuanVideo": "fal-ai/hunyuan-video",
    },
    "text-to-speech": {"SWivid/F5-TTS": "fal-ai/f5-tts"},
    "automatic-speech-recognition": {"openai/whisper-large-v3": "fal-ai/whisper"},
}
KNOWN: Mapping[str, Provided] = MappingProxyType(
    {model: Provided(endpoint, task) for task, models in _BY_TASK.items() for model, endpoint in models.items()}
)
"""The models of the Hub whose endpoint public code names."""
TASKS: Mapping[str, str] = MappingProxyType({"speech-to-text": "automatic-speech-recognition"})
"""The Hub's name of a task, where fal's category has another name."""


def provided(model: str, endpoints: Collection[str]) -> Iterator[Provided]:
    """What may serve a model of the Hub, the most certain first: the endpoint in public code, then some of `endpoints`.

    Those are the one with the same id, and those with the same name: its letters and digits without the owner, as
    `Qwen-Image` and `fal-ai/qwen-image`.
    """
    if model in KNOWN:
        yield KNOWN[model]
    if model in endpoints:
        yield Provided(model)
    yield from (Provided(endpoint) for endpoint in sorted(endpoints) if _letters(endpoint) == _letters(model))


def _letters(model: str) -> str:
    return "".join(filter(str.isalnum, model.partition("/")[2])).lower()


def answer(model: str, found: Provided) -> dict[str, Any]:
    """The Hub's answer to the call for the providers of a model: fal alone."""
    mapping = {"status": "live", "providerId": found.endpoint, "task": found.task}
    return {"_id": "", "id": model, PROVIDERS: {"fal-ai": mapping}}
