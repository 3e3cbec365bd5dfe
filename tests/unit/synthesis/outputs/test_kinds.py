"""Kinds of files."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.synthesis.outputs.kinds import Kind
from falmock.synthesis.outputs.kinds import asked_type
from falmock.synthesis.outputs.kinds import kind_by_name
from falmock.synthesis.outputs.kinds import kind_of_type
from falmock.synthesis.outputs.kinds import kind_of_url


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/jpeg", Kind.PICTURE),
        ("video/mp4", Kind.FILM),
        ("audio/mpeg", Kind.SOUND),
        ("model/gltf-binary", Kind.MESH),
        ("application/json", Kind.DATA),
        ("application/x-subrip", Kind.DATA),
        ("application/zip", Kind.ARCHIVE),
        ("application/octet-stream", None),
        ("", None),
    ],
)
def test_by_the_media_type(content_type: str, kind: Kind | None) -> None:
    assert kind_of_type(content_type) is kind


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://v3.fal.media/files/lion/x_output.MP4?a=b.c#d", (Kind.FILM, "video/mp4")),
        ("https://v3.fal.media/a.webp", (Kind.PICTURE, "image/png")),
        ("https://v3.fal.media/a.jpg", (Kind.PICTURE, "image/jpeg")),
        ("https://v3.fal.media/a.svg", (Kind.PICTURE, "image/svg+xml")),
        ("https://v3.fal.media/a.mp3", (Kind.SOUND, "audio/mpeg")),
        ("https://v3.fal.media/a.obj", (Kind.MESH, "model/obj")),
        ("https://v3.fal.media/a.ply", (Kind.MESH, "model/gltf-binary")),
        ("https://v3.fal.media/a.safetensors", (Kind.WEIGHTS, "application/octet-stream")),
        ("https://v3.fal.media/a.bin", None),
        ("https://v3.fal.media/a", None),
        ("", None),
    ],
)
def test_by_the_url_of_an_example(url: str, expected: Any) -> None:
    assert kind_of_url(url) == expected


@pytest.mark.parametrize(
    ("name", "title", "kind"),
    [
        ("video", "File", Kind.FILM),
        ("whatever", "VideoFile", Kind.FILM),
        ("whatever", "Image-Output", Kind.PICTURE),
        ("whatever", "AudioFile", Kind.SOUND),
        ("mask_video", "", Kind.FILM),
        ("mask_1_mesh", "", Kind.MESH),
        ("images", "", Kind.PICTURE),
        ("frames_zip", "", Kind.ARCHIVE),
        ("diffusers_lora_file", "File", Kind.WEIGHTS),
        ("config_file", "File", Kind.DATA),
        ("vocals", "File", Kind.SOUND),
        ("thing", "File", None),
    ],
)
def test_by_class_or_name(name: str, title: str, kind: Kind | None) -> None:
    assert kind_by_name(name, title) is kind


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (Kind.PICTURE, {"output_format": "jpeg"}, "image/jpeg"),
        (Kind.PICTURE, {"output_format": "JPG"}, "image/jpeg"),
        (Kind.PICTURE, {"format": "webp"}, "image/webp"),
        (Kind.PICTURE, {"output_format": "mp4"}, None),
        (Kind.PICTURE, {"output_format": "safetensors"}, None),
        (Kind.FILM, {"video_output_type": "VP9 (.webm)"}, "video/webm"),
        (Kind.FILM, {"video_output_type": "GIF (.gif)"}, "image/gif"),
        (Kind.FILM, {"output_format": "mp4"}, "video/mp4"),
        (Kind.SOUND, {"output_format": "mp3_44100_128"}, "audio/mpeg"),
        (Kind.SOUND, {"output_format": "hex", "audio_setting": {"format": "flac"}}, "audio/flac"),
        (Kind.SOUND, {"audio_setting": {"format": 5}}, None),
        (Kind.SOUND, {"output_format": "url"}, None),
        (Kind.MESH, {"output_format": "png"}, None),
    ],
)
def test_the_format_that_is_asked_for(kind: Kind, values: dict[str, Any], expected: str | None) -> None:
    assert asked_type(kind, values) == expected
