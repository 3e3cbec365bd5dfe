"""Files that inputs and outputs refer to."""

from __future__ import annotations

import pytest

from falmock.gateway.control import files_in
from falmock.wire import storage
from falmock.wire.message import Content
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

PNG = b"\x89PNG\r\n\x1a\n"
URL = storage.content_url(storage.digest(PNG), "a.png")


def holding() -> Steered:
    steered = Steered(answering({"images": [{"url": URL}]}))
    steered.engines.common.scope.assets.put(Content(storage.digest(PNG), len(PNG), PNG), "a.png", "image/png")
    return steered


def test_files_are_found_once_and_in_order() -> None:
    engine = holding().engines.common
    value = {"deep": [{"url": URL}, URL, 5, None], "other": "https://example.com/a.png", "no": "http://x", "": "x" * 9}
    expected = {"url": URL, "sha256": storage.digest(PNG), "type": "image/png", "size": len(PNG), "name": "a.png"}
    assert files_in.files_in(engine, value, URL) == [expected]


def test_a_long_text_is_no_url() -> None:
    assert files_in.files_in(holding().engines.common, URL + "?" + "x" * files_in.LONGEST) == []


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_in, "MOST", 1)
    assert len(files_in.files_in(holding().engines.common, [URL, f"{URL}?2"])) == 1


def test_a_digest_whose_content_is_not_here() -> None:
    assert files_in.files_in(Steered().engines.common, URL) == []


def test_the_files_of_a_job_and_of_a_call() -> None:
    steered = holding()
    job = steered.submit("t/e", {"image_url": URL})
    steered.status("t/e", job)
    assert [file["url"] for file in steered.ask("GET", f"/jobs/{job}/result")["files"]] == [URL]
    assert [file["name"] for file in steered.ask("GET", "/journal/1")["files"]] == ["a.png"]


def test_a_file_that_an_earlier_url_names() -> None:
    steered = holding()
    steered.engines.common.scope.assets.note("/files/b/x.png", storage.digest(PNG), "image/x")
    (file,) = files_in.files_in(steered.engines.common, "https://v3b.fal.media/files/b/x.png")
    assert (file["type"], file["size"]) == ("image/x", len(PNG))
