from __future__ import annotations

from typing import Any

import pytest

from falmock.synthesis.checks.media_limits import MAX_STEPS
from falmock.synthesis.checks.media_limits import LimitedFile
from falmock.synthesis.checks.media_limits import Measured
from falmock.synthesis.checks.media_limits import limited_files
from falmock.synthesis.checks.media_limits import refusal
from falmock.wire.error_table import MODEL
from unit.synthesis.checks.written_models import ENDPOINT
from unit.synthesis.checks.written_models import REF
from unit.synthesis.checks.written_models import component
from unit.synthesis.checks.written_models import document

SIZES = {"min_width": 240, "min_height": 240, "max_width": 1024, "max_height": 1024, "max_file_size": 10485760}
RATIOS = {"min_aspect_ratio": 0.4, "max_aspect_ratio": 2.5}
URL = "https://v3.fal.media/files/a.png"
A_URL = {"type": "string", "x-fal": SIZES}


def found(schema: Any, value: Any, **components: Any) -> list[tuple[tuple[str | int, ...], str]]:
    given = document(component("Input", x=schema, video_url=A_URL, audio_url=A_URL), components)
    return [(file.loc[1:], file.kind) for file in limited_files(given, ENDPOINT, value)]


@pytest.mark.parametrize(
    ("schema", "value", "places"),
    [
        (A_URL, {"x": URL}, [("x",)]),
        (A_URL, {"x": 5, "y": URL}, []),
        ({"type": "string"}, {"x": URL}, []),
        ({"anyOf": [A_URL, {"type": "null"}]}, {"x": URL}, [("x",)]),
        ({"type": "array", "items": A_URL}, {"x": [URL, 5, URL]}, [("x", 0), ("x", 2)]),
        ({"anyOf": [{"type": "array", "items": A_URL}, {"type": "null"}]}, {"x": [URL]}, [("x", 0)]),
        ({"type": "array", "items": {"$ref": f"{REF}A"}}, {"x": [{"face": URL}]}, [("x", 0, "face")]),
        ({"allOf": [{"$ref": f"{REF}A"}]}, {"x": {"face": URL}}, [("x", "face")]),
        ({"$ref": f"{REF}Lost"}, {"x": {"face": URL}}, []),
        (5, {"x": [URL]}, []),
    ],
)
def test_the_files_that_a_document_limits(schema: Any, value: Any, places: list[Any]) -> None:
    assert found(schema, value, A=component("A", face=A_URL)) == [(place, "image") for place in places]


def test_kinds_are_known_by_names_and_places_are_in_order() -> None:
    value = {"x": URL, "video_url": URL, "audio_url": URL}
    assert found(A_URL, value) == [(("x",), "image"), (("video_url",), "video"), (("audio_url",), "audio")]


def test_a_schema_that_contains_itself_is_no_endless_work() -> None:
    own = {"anyOf": [{"$ref": f"{REF}A"}] * 2, "properties": {"x": {"$ref": f"{REF}A"}}}
    assert found({"$ref": f"{REF}A"}, {"x": {"x": {}}}, A=own) == []
    assert len(found({"type": "array", "items": A_URL}, {"x": [URL] * 10**5})) < MAX_STEPS


def refused(kind: str, measured: Measured, **limits: Any) -> dict[str, Any] | None:
    body = refusal(LimitedFile(("body", f"{kind}_url"), URL, limits, kind), measured)
    return None if body is None else body["detail"][0]


CASES: list[tuple[str, str, Measured, dict[str, Any]]] = [
    ("image_too_small", "image", Measured(width=100, height=500), {**SIZES, **RATIOS}),
    ("image_too_large", "image", Measured(width=500, height=1025), {**SIZES, **RATIOS}),
    ("image_aspect_ratio_error", "image", Measured(width=1000, height=300), {**SIZES, **RATIOS}),
    ("image_aspect_ratio_error", "image", Measured(width=300, height=1000), {**SIZES, **RATIOS}),
    ("file_too_large", "image", Measured(10485761), SIZES),
    ("audio_duration_too_long", "audio", Measured(duration=90), {"max_duration": 60}),
    ("audio_duration_too_short", "audio", Measured(duration=2), {"min_duration": 5}),
    ("video_duration_too_long", "video", Measured(duration=20.0), {"max_duration": 15.0}),
    ("video_duration_too_short", "video", Measured(duration=1), {"min_duration": 3}),
    ("file_too_large", "video", Measured(10485761, duration=20), {**SIZES, "max_duration": 15}),
]


@pytest.mark.parametrize(("name", "kind", "measured", "limits"), CASES)
def test_the_errors_are_those_of_models(name: str, kind: str, measured: Measured, limits: dict[str, Any]) -> None:
    problem = refused(kind, measured, **limits)
    assert problem is not None
    assert problem["type"] == name
    assert problem["msg"] == MODEL[name].message
    assert problem["ctx"] == MODEL[name].ctx
    assert (problem["loc"], problem["input"]) == (["body", f"{kind}_url"], URL)
    assert list(problem) == ["loc", "msg", "type", "url", "ctx", "input"]


@pytest.mark.parametrize(
    ("kind", "measured"),
    [
        ("image", Measured()),
        ("image", Measured(10485760, 240, 240)),
        ("image", Measured(1, 1024, 1024, 1000)),
        ("video", Measured(1, 1, 1)),
        ("video", Measured(1, 1, 1, 10)),
    ],
)
def test_files_within_the_limits(kind: str, measured: Measured) -> None:
    assert refused(kind, measured, **SIZES, **RATIOS, min_duration=1, max_duration=10) is None


@pytest.mark.parametrize("wrong", [None, "240", True, [], {}])
def test_limits_that_are_no_numbers(wrong: Any) -> None:
    for kind in ("image", "audio"):
        assert refused(kind, Measured(1, 1, 1, 1), **dict.fromkeys([*SIZES, *RATIOS, "max_duration"], wrong)) is None


def test_a_ratio_has_two_limits() -> None:
    assert refused("image", Measured(1, 1000, 1), max_aspect_ratio=2.5) is None
