"""Files in output schemas."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.synthesis.outputs.file_schemas import is_file
from falmock.synthesis.outputs.normal import normal
from unit.synthesis.outputs.schemas import FILE
from unit.synthesis.outputs.schemas import document
from unit.synthesis.outputs.schemas import made
from unit.synthesis.outputs.schemas import of
from unit.synthesis.outputs.schemas import ref
from unit.synthesis.outputs.schemas import value

GONE = "https://v3.fal.media/files/lion/gone"


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("x", ref("File"), True),
        ("x", {"allOf": [ref("Image")]}, True),
        ("video_url", {"type": "string"}, True),
        ("urls", {"type": "string"}, True),
        ("x", {"type": "string", "format": "uri"}, True),
        ("video_url", {"enum": ["a"], "type": "string"}, False),
        ("x", {"type": "string"}, False),
        ("url", {"type": "integer"}, False),
        ("x", {"type": "object"}, False),
        ("x", of({"url": {"type": "integer"}}), False),
    ],
)
def test_what_is_a_file(name: str, schema: Any, *, expected: bool) -> None:
    assert is_file(document({}), normal(document({}), schema), ("", name)) is expected


@pytest.mark.parametrize(
    ("name", "schema", "content_type"),
    [
        ("x", ref("Image"), "image/jpeg"),
        ("video", ref("File"), "video/mp4"),
        ("result", ref("File", examples=[{"url": f"{GONE}.wav"}]), "audio/wav"),
        ("results", {"type": "array", "items": ref("File"), "examples": [[]]}, "application/json"),
        ("result", ref("File", example=f"{GONE}.mp3"), "audio/mpeg"),
        ("result", ref("File", examples=[[{"url": f"{GONE}.glb"}]]), "model/gltf-binary"),
        ("thing", ref("File", examples=[5]), "application/json"),
        ("model_urls", of({"base": ref("File")}), "model/gltf-binary"),
        ("texture_urls", of({"base_color": ref("File")}), "image/png"),
        ("lora_file", ref("File"), "application/octet-stream"),
        ("image_urls", {"type": "array", "items": {"type": "string"}}, "image/png"),
        ("audio_url", {"type": "string"}, "audio/wav"),
    ],
)
def test_the_kind_of_a_file(name: str, schema: Any, content_type: str) -> None:
    (recipe,) = made(of({name: schema}), {}, {"unknown": {}}).files.values()
    assert recipe.content_type == content_type


def test_a_file_as_fals_class_writes_it() -> None:
    result = made(of({"video": ref("File")}))
    (path,) = result.files
    assert path.endswith("_video.mp4")
    assert result.payload == {
        "video": {
            "url": f"https://v3b.fal.media{path}",
            "content_type": "video/mp4",
            "file_name": "video.mp4",
            "file_size": None,
        }
    }


def test_a_picture_has_neither_name_nor_length() -> None:
    toolkit = {**FILE, "title": "Image", "properties": {**FILE["properties"], "width": {"type": "integer"}}}
    image = value(ref("Picture"), "image", {"image_size": "square"}, Picture=toolkit)
    assert (image["file_name"], image["file_size"], image["width"]) == (None, None, 512)
    assert "file_data" not in image


def test_what_must_be_there_is() -> None:
    strict = {**FILE, "required": [*FILE["properties"]]}
    file = value(ref("Strict"), "image", Strict=strict)
    assert file["file_size"] > 100
    assert file["file_name"] == "image.png"
    assert file["file_data"] == "falmock"


def test_other_properties_of_a_file_are_made_as_any_other() -> None:
    codec = {"type": "string", "default": "h264"}
    extended = {**FILE, "properties": {**FILE["properties"], "codec": codec, "start_frame_url": {"type": "string"}}}
    file = value(ref("Video"), "video", Video={**extended, "title": "Video"})
    assert (file["codec"], file["start_frame_url"]) == ("h264", None)


def test_what_describes_a_file_fits_its_schema() -> None:
    limits = {"content_type": {"enum": ["video/webm"], "type": "string"}, "width": {"type": "integer", "maximum": 640}}
    strict = of({"url": {"type": "string", "maxLength": 2083}, **limits})
    file = value(ref("Strict"), "video", Strict=strict)
    assert (file["content_type"], file["width"]) == ("video/webm", 0)
    assert value(ref("Strict"), "video", {"video_size": "square"}, Strict=strict)["width"] == 512


@pytest.mark.parametrize(
    ("name", "schema", "is_made"),
    [
        ("thumbnail", ref("File"), True),
        ("debug_image", ref("File"), False),
        ("frames_zip", ref("File"), False),
        ("lora_file", ref("File"), False),
        ("debug_images", {"type": "array", "items": ref("File")}, False),
        ("images", {"type": "array", "items": ref("File")}, True),
        ("video_url", {"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
    ],
)
def test_which_optional_files_are_made(name: str, schema: Any, *, is_made: bool) -> None:
    result = made(of({name: schema}, optional=(name,)), {}, {"unknown": {}})
    assert (result.payload[name] is not None) is is_made
    assert len(result.files) == is_made


def test_of_the_forms_of_a_mesh_the_first_is_made() -> None:
    urls = of({"glb": ref("File"), "fbx": ref("File")}, optional=("glb", "fbx"))
    result = made(of({"model_urls": urls}))
    assert result.payload["model_urls"]["glb"]["content_type"] == "model/gltf-binary"
    assert result.payload["model_urls"]["fbx"] is None
