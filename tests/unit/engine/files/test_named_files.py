from __future__ import annotations

import json

import pytest

from falmock.engine.files import named_files
from falmock.engine.files.named_files import file_paths
from falmock.wire.hosts import Hosts

URL = "https://v3b.fal.media/files/b/0a/x_a%20b.png"


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b"", []),
        (json.dumps({"a": URL, "b": [URL.replace("0a", "0b")]}).encode(), ["/files/b/0a/x_a%20b.png", "/files/b/0b/x_a%20b.png"]),
        (json.dumps({"a": f"{URL}?signature=1#x"}).encode(), ["/files/b/0a/x_a%20b.png"]),
        (json.dumps({"a": "https://example.com/a/b", "b": "https://fal.run/a"}).encode(), []),
        (json.dumps({"a": "https://", "b": "https:///x", "c": "http://v3b.fal.media/a"}).encode(), []),
        (json.dumps({"a": "https://V3B.fal.media/a", "b": "https://fal.media/files/ö"}).encode(), ["/a", "/files/"]),
        (b"https://v3b.fal.media/\xff\xfe", ["/\ufffd\ufffd"]),
    ],
)  # fmt: skip
def test_paths_on_hosts_of_files_are_found(body: bytes, paths: list[str]) -> None:
    assert list(file_paths(body, Hosts())) == paths


def test_only_so_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named_files, "_MOST", 3)
    assert len(list(file_paths(f"{URL} ".encode() * 5, Hosts()))) == 3
