"""Files in made answers."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from falmock.synthesis.media import files
from falmock.synthesis.media.limits import within_limits
from falmock.synthesis.outputs import made_files
from falmock.synthesis.outputs.asked import MOST_INLINE_PIXELS
from falmock.synthesis.outputs.kinds import Kind
from falmock.synthesis.outputs.made_files import described
from falmock.synthesis.outputs.made_files import field
from falmock.synthesis.outputs.made_files import size_of
from unit.synthesis.outputs.schemas import asked


@pytest.fixture(autouse=True)
def _forgotten() -> Any:
    made_files._possible.cache_clear()
    yield
    made_files._possible.cache_clear()


def test_a_picture_has_the_size_and_the_words_that_were_asked_for() -> None:
    call = asked({"prompt": "a cat", "image_size": "landscape_4_3", "output_format": "jpeg"})
    file = described(call, Kind.PICTURE, "images", "image/png")
    assert file.recipe[:3] == ("image/jpeg", 1024, 768)
    assert file.recipe.text == "a cat"
    assert file.name == "images.jpg"
    assert file.url == f"https://v3b.fal.media{file.recipe.url_path('images.jpg')}"
    assert call.files == {file.recipe.url_path("images.jpg"): file.recipe}


def test_a_film_a_sound_and_others() -> None:
    call = asked({"prompt": "a cat", "duration": "8s", "fps": 16, "resolution": "480p"})
    film = described(call, Kind.FILM, "video", "video/mp4").recipe
    assert film[:5] == ("video/mp4", 854, 480, 8.0, 16.0)
    assert described(call, Kind.SOUND, "audio", "audio/wav").recipe.duration == 8
    assert described(call, Kind.MESH, "model", "model/gltf-binary").recipe.text == "a cat"
    assert described(call, Kind.DATA, "captions", "application/x-subrip").recipe.text == call.sentence
    assert described(call, Kind.WEIGHTS, "lora_file", "application/octet-stream").name == "lora_file.safetensors"
    assert len({recipe.seed for recipe in call.files.values()}) == len(call.files) == 5


def test_a_name_that_no_file_can_have() -> None:
    assert described(asked(), Kind.PICTURE, "../Ä b/..", "image/png").name == "b.png"
    assert described(asked(), Kind.PICTURE, "Ä", "image/png").name == "file.png"


def test_what_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "can_make", lambda content_type: content_type == "image/png")
    call = asked({"output_format": "webp"})
    assert described(call, Kind.PICTURE, "image", "image/png").name == "image.png"
    assert described(call, Kind.PICTURE, "image", "image/png").recipe.content_type == "image/png"
    assert call.notes == ["image/webp cannot be made here without falmock[media]: it is image/png"]
    quiet = asked()
    assert described(quiet, Kind.PICTURE, "image", "image/jpeg").recipe.content_type == "image/png"
    assert described(quiet, Kind.ARCHIVE, "zip", "application/zip").recipe.content_type == "application/octet-stream"
    assert quiet.notes == []


def test_with_sync_mode_the_file_is_in_the_answer() -> None:
    call = asked({"sync_mode": True, "image_size": {"width": 64, "height": 32}})
    first, second = (described(call, Kind.PICTURE, "image", "image/png") for _ in range(2))
    head, _, content = first.url.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (64, 32)
    assert first.url != second.url
    assert call.files == {}
    assert described(call, Kind.MESH, "model", "model/gltf-binary").url.startswith("https://")


def test_with_sync_mode_files_are_of_a_size_that_an_answer_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "content_of", lambda _recipe: b"")
    call = asked({"sync_mode": True, "image_size": {"width": 14142, "height": 14142}, "duration": 500})
    pictures = [described(call, Kind.PICTURE, "image", "image/png").recipe for _ in range(32)]
    assert 7990 < pictures[0].width <= 8000
    assert pictures[-1].width == 64
    assert sum(each.width * each.height for each in pictures) <= MOST_INLINE_PIXELS + 31 * 64 * 64
    assert described(call, Kind.SOUND, "audio", "audio/wav").recipe.duration == 60
    assert call.notes[0] == f"with sync_mode a file of 14142x14142 is made as {pictures[0].width}x{pictures[0].height}"
    assert call.notes[-1] == "with sync_mode a file of 500 s is made with 60 s"


def test_a_large_picture_has_the_size_that_its_format_can_have() -> None:
    call = asked({"image_size": {"width": 14142, "height": 14142}})
    assert described(call, Kind.PICTURE, "image", "image/png").recipe.width == 14142
    assert call.notes == []
    jpeg = described(call, Kind.PICTURE, "image", "image/jpeg").recipe
    assert jpeg == within_limits(jpeg)
    assert call.notes == [f"image/jpeg of 14142x14142 was asked for, and {jpeg.width}x{jpeg.height} is made"]


@pytest.mark.parametrize(
    ("name", "kind", "schema_type", "expected"),
    [
        ("content_type", Kind.FILM, "string", "video/mp4"),
        ("media_type", Kind.FILM, "string", "video"),
        ("container", Kind.FILM, "string", "mp4"),
        ("format", Kind.FILM, "string", "mp4"),
        ("width", Kind.FILM, "integer", 1280),
        ("height", Kind.FILM, "", 720),
        ("resolution", Kind.FILM, "string", "1280x720"),
        ("duration", Kind.FILM, "number", 5.0),
        ("duration", Kind.FILM, "integer", 5),
        ("duration", Kind.FILM, "string", "5"),
        ("fps", Kind.FILM, "integer", 24),
        ("num_frames", Kind.FILM, "integer", 120),
        ("frame_count", Kind.FILM, "string", "120"),
        ("sample_rate", Kind.SOUND, "integer", 16000),
        ("channels", Kind.SOUND, "integer", 1),
    ],
)
def test_what_describes_a_file(name: str, kind: Kind, schema_type: str, expected: Any) -> None:
    made = field(name, schema_type, kind)
    assert made is not None
    assert made(described(asked(), kind, "x", kind.value)) == expected


@pytest.mark.parametrize(
    ("name", "kind", "schema_type"),
    [
        ("width", Kind.SOUND, "integer"),
        ("codec", Kind.FILM, "string"),
        ("resolution", Kind.FILM, "object"),
        ("width", Kind.FILM, "object"),
        ("url", Kind.FILM, "integer"),
    ],
)
def test_what_does_not(name: str, kind: Kind, schema_type: str) -> None:
    assert field(name, schema_type, kind) is None


def test_the_length_of_a_file_is_that_of_its_content() -> None:
    file = described(asked({"image_size": "square"}), Kind.PICTURE, "image", "image/png")
    assert size_of(file) == len(files.content_of(file.recipe))
