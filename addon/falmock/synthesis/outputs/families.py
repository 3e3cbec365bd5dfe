"""What a model answers with, guessed from its endpoint id or from fal's category of it."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Family(enum.Enum):
    """Models whose outputs have the same principal key; the value says what they answer with."""

    TRAINING = "trained weights"
    RESULTS = "results about an image"
    OUTPUT = "output text"
    TEXT = "a transcript"
    GLB = "a model_glb"
    MESH = "a model_mesh"
    AUDIO = "audio"
    VIDEO = "video"
    IMAGE = "one image"
    IMAGES = "images"


class _Rule(NamedTuple):
    """The family of ids that contain one of the words and none of the others."""

    family: Family
    words: tuple[str, ...]
    without: tuple[str, ...] = ()


def _rule(family: Family, words: str, without: str = "") -> _Rule:
    return _Rule(family, tuple(words.split()), tuple(without.split()))


# The first that fits wins. An id is read in small letters, between slashes, and with hyphens for underscores. The names
# of models are the last resort: what a part of the id says about the task comes before them.
_RULES = (
    _rule(
        Family.TRAINING,
        "trainer/ trainer-v -trainer -training/ /train/",
    ),
    _rule(
        Family.RESULTS,
        """
        florence-2-large/more- florence-2-large/caption/ florence-2-large/detailed-caption/
        florence-2-large/ocr/ florence-2-large/region-to-category/ florence-2-large/region-to-description/
        """,
    ),
    _rule(
        Family.OUTPUT,
        """
        openrouter/router/ any-llm /llava -understanding/ moondream2/visual moondream2// moondream-next//
        moondream3-preview/caption moondream3-preview/query /speech-to-text/ sa2va/ bytedance/seed/ /enterprise/
        /isaac- /asr/
        """,
        "elevenlabs/",
    ),
    _rule(
        Family.TEXT,
        "/whisper/ /wizper/ /understand/ /speech-to-text/",
    ),
    _rule(
        Family.GLB,
        "/meshy/ hunyuan3d-v hunyuan-3d/ /trellis-2/ sam-3/3d /ultrashape/ /3d/",
        "rapid/text-to-3d /part/",
    ),
    _rule(
        Family.MESH,
        "triposr /trellis hunyuan3d/ /rodin/ /tripo/ /omnipart/",
    ),
    _rule(
        Family.GLB,
        "-to-3d/",
        "rapid/text-to-3d /part/",
    ),
    _rule(
        Family.VIDEO,
        "/video-sound-effects pixverse/ elevenlabs/dubbing kling-video/video-to-audio",
        "-to-image/",
    ),
    _rule(
        Family.AUDIO,
        """
        -to-music/ -to-speech/ -to-voice/ -to-sound/ -to-audio/ -to-dialogue/ -tts/ /tts/ -tts- /music/ -music/
        sound-effects/ minimax/speech preview/speech /kokoro/ chatterbox ace-step vibevoice sonauto/ elevenlabs/
        stable-audio- voice-clone voice-design voice-changer /maya/ /zonos/ /yue/ /lyria /diffrhythm/ /csm-1b/
        /personaplex/ /nova-sr/ /lava-sr/ audio-compressor impulse-response loudnorm merge-audios
        /thinksound/audio audio-inpaint audio-outpaint
        """,
        "clone-voice /maya/batch/ video-sound-effects",
    ),
    _rule(
        Family.IMAGE,
        """
        florence-2 moondream image-preprocessors imageutils /birefnet// /birefnet/v2// rembg background/remove/
        fibo-edit/ /fibo/ /fibo- /ben/v2/image /pixelcut/ text-to-image/3.2 reimagine/3.2 replace-background//
        moondream3
        """,
        "ideogram/ /nsfw/ midas batch",
    ),
    _rule(
        Family.VIDEO,
        """
        -to-video /video/ /extend/ edit-video -video-lora/ video- lipsync avatar /animate/ frame-interpolation
        interpolation framepack -svd dubbing /lucy- reverse-video -video/ /i2v /t2v -i2v -t2v -v2v motion-
        subtitle merge-videos -video /heygen/
        """,
        "video-prompt video-to-lottie -to-image/",
    ),
    _rule(
        Family.IMAGES,
        "gallery/ image-apps post-processing image-editing flux-2 ideogram/ controlnet clarityai/",
        "controlnext",
    ),
    _rule(
        Family.IMAGE,
        """
        upscal esrgan super-resolution codeformer ddcolor /eraser eraser/ try-on/ vectorize -to-svg/
        /sam-3/image// /sam-3-1/image// /sam2/image/ evf-sam bria/expand embed-product swin2sr /thera/ /nafnet/
        /docres/ aura-sr /ccsr/ retoucher /dwpose// /leffa/ /live-portrait/image/ vidu/ ip-adapter vecglypher
        star-vector gemini-flash-edit dreamomni2 wan/v2.2 cat-vton diffusion-edge ghiblify watermark lucidflux
        illusion-diffusion flowedit layer-diffusion omni-zero nextstep dehaze hunyuan-world// /inpaint//
        """,
        "ideogram/ fooocus bytedance-upscaler -to-video",
    ),
    _rule(
        Family.IMAGES,
        "text-to-image image-to-image /edit/ -edit /edit-image/ text-to-vector",
    ),
    _rule(
        Family.VIDEO,
        """
        kling-video /ltx /veo /wan- /wan/ /vidu hailuo minimax/video seedance /pika/ sora-2/ mochi cogvideo
        /veed/ marey creatify hunyuan-video hunyuan-portrait hunyuan-custom luma-dream-machine /magi animatediff
        /dwpose/video echomimic editto infinitalk latentsync /lightx/ live-portrait muse omnihuman dreamactor
        /lynx/ sadtalker /scail/ steady-dancer stable-video thinksound multishot magihuman goal-force
        controlnext
        """,
        "batch image-rle create-voice /characters/",
    ),
    _rule(
        Family.IMAGES,
        """
        flux sdxl diffusion recraft/ recraft- seedream qwen-image gemini hidream /sana /lora/ redux fibo krea
        image bria/ nano-banana photon kolors imagen lumina cascade pixart playground fooocus
        """,
        "/nsfw/ image-rle embed/ create-style arbiter sam2/ /lottie lottie",
    ),
    _rule(
        Family.IMAGES,
        """
        /bagel/ aura-flow /dream /janus/ /lcm photomaker tryon cogview omnigen /pulid bitdance cartoonify
        plushify sticker object-removal /phota/ realistic lightning instant-character /uno/ /uso/ /f-lite/
        piflow pony switti z-image iclight onereward /film/ /rife/ chain-of-zoom genfocus era-3d /pasd/ extract-
        frame extract-nth-frame
        """,
        "create-profile",
    ),
)

# By fal's category: the usual family first. An id decides among those that its category allows.
_IMAGES = (Family.IMAGES, Family.IMAGE)
_MESHES = (Family.GLB, Family.MESH)
_TEXTS = (Family.OUTPUT, Family.TEXT, Family.RESULTS)
_BY_CATEGORY = {
    "training": (Family.TRAINING,),
    "llm": _TEXTS,
    "vision": (*_TEXTS, Family.IMAGE),
    "to-text": _TEXTS,
    "speech-to-text": (Family.TEXT, Family.OUTPUT),
    "to-image": _IMAGES,
    "to-video": (Family.VIDEO,),
    "to-speech": (Family.AUDIO,),
    "to-music": (Family.AUDIO,),
    "to-audio": (Family.AUDIO, Family.VIDEO),
    "to-3d": _MESHES,
}


def family_of(endpoint: str, category: str | None = None) -> Family | None:
    """The family of an endpoint id, by fal's category of it if that is known; None if neither tells it."""
    if "/openai/" in endpoint:
        return None  # the API of OpenAI, whose answers have another form for each route
    guessed = _by_id(endpoint.removesuffix("/stream"))
    if not category:
        return guessed
    kind = category.lower()
    allowed = _BY_CATEGORY.get(kind) or _BY_CATEGORY.get(kind[kind.find("-to-") + 1 :] if "-to-" in kind else "")
    if allowed is None or guessed in allowed:
        return guessed
    return allowed[0]


def _by_id(endpoint: str) -> Family | None:
    text = f"/{endpoint.lower().replace('_', '-')}//"
    for family, words, without in _RULES:
        if any(word in text for word in words) and not any(word in text for word in without):
            return family
    return None
