from __future__ import annotations

from typing import Any

import pytest

from falmock.fixtures.model import Asset
from falmock.gateway.control.draft_files import DraftFiles
from falmock.gateway.control.draft_files import with_first_file
from falmock.wire.storage import content_url
from unit.fixtures.build import PNG
from unit.gateway.steering import Steered

MINE = Asset("ab" * 32, "mine.png", "image/png", 9, data=b"123456789")
REFERENCE = {"$file": f"sha256:{MINE.sha256}", "name": "mine.png", "type": "image/png"}
URL = "https://v3.fal.media/files/b/x/y.jpg"


@pytest.mark.parametrize(
    ("output", "changed"),
    [
        ({"a": 1, "b": ["x", {"url": 1}]}, None),
        ("https://x.example", None),
        (
            {
                "seed": 1,
                "images": [
                    {"url": URL, "width": 5, "content_type": "image/jpeg", "file_name": "y.jpg", "file_size": 1},
                    {"url": URL},
                ],
            },
            {
                "seed": 1,
                "images": [
                    {
                        "url": REFERENCE,
                        "width": 5,
                        "content_type": "image/png",
                        "file_name": "mine.png",
                        "file_size": 9,
                    },
                    {"url": URL},
                ],
            },
        ),
        ({"video_url": "data:video/mp4;base64,AA", "z": {"$file": "x"}}, {"video_url": REFERENCE, "z": {"$file": "x"}}),
        ({"page": URL, "image": {"url": {"$file": "x"}}}, {"page": URL, "image": {"url": REFERENCE}}),
        ([1, {"$file": "x"}], [1, REFERENCE]),
    ],
)
def test_the_first_file_is_replaced(output: Any, changed: Any) -> None:
    assert with_first_file(output, MINE) == changed


def test_urls_of_content_become_references() -> None:
    entry = {"match": {"model": "a/b"}, "response": {"json": {"url": {"$file": "cat.png"}}}}
    steered = Steered()
    steered.ask("POST", "/fixtures", {**entry, "assets": {"cat.png": "cG5n"}}, status=201)
    files = DraftFiles(steered.engines.common)
    url = content_url(PNG.sha256, "a b_c.png")
    unknown = content_url("cd" * 32, "cat.png")
    value = {"a": [url], "b": unknown, "c": URL, "d": url.replace("%20", " "), "e": 1}
    reference = {"$file": f"sha256:{PNG.sha256}", "name": "a b_c.png", "type": "image/png"}
    assert files.of_fixtures(value) == {**value, "a": [reference]}
    assert list(files.found) == [PNG.sha256]
    assert files.of_made(value) == value
    assert files.by_digest("cd" * 32) is None
