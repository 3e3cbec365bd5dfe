"""The start of an upload whose bytes a capture lacks, as it is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.recording.exchange import Exchange
from falmock.recording.files import FileUrls
from falmock.recording.unknown_uploads import accept_any_time
from falmock.recording.unknown_uploads import start
from falmock.wire.hosts import Hosts
from falmock.wire.message import Request

FILE = "https://v3b.fal.media/files/b/0a/x_cat.png"


def started(body: bytes, answer: Any, content_type: str = "text/plain") -> Exchange:
    request = Request("POST", "rest.fal.ai", "/storage/upload/initiate", "", {"content-type": content_type}, body)
    return start(Exchange(request, 0.0, 200, {}, json.dumps(answer).encode(), 1.0), FileUrls(Hosts()))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://storage.example.com/put?signature=1", FILE),
        (f"{FILE}?signature=1", f"{FILE}?signature=1"),
        (5, 5),
    ],
)
def test_the_upload_goes_to_a_host_of_fals(given: Any, kept: Any) -> None:
    recorded = started(b'{"file_name": "cat.png"}', {"upload_url": given, "file_url": FILE})
    assert json.loads(recorded.body) == {"upload_url": kept, "file_url": FILE}
    assert recorded.request.headers["content-type"] == "application/json"


def test_what_is_no_json_stays() -> None:
    recorded = started(b"no JSON", "text")
    assert (recorded.body, recorded.request.headers["content-type"]) == (b'"text"', "text/plain")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("1752619398123.png", {"$regex": r"^[0-9]{13}\.png$"}),
        ("cat.png", "cat.png"),
        ("1752619398123", "1752619398123"),
        (None, None),
    ],
)
def test_a_name_that_is_a_time_matches_any_time(name: Any, kept: Any) -> None:
    announced = {"file_name": name, "content_type": "image/png"}
    accept_any_time(announced)
    assert announced == {"file_name": kept, "content_type": "image/png"}
