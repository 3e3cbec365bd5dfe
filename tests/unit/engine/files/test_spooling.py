"""Which bodies are put on disk."""

from __future__ import annotations

import pytest

from falmock.engine.files.spooling import SPOOLED_ABOVE
from falmock.engine.files.spooling import spools
from unit.engine.calls import Client


@pytest.mark.parametrize(
    ("method", "url", "spooled"),
    [
        ("POST", "https://v3.fal.media/files/upload", True),
        ("POST", "https://fal.media/files/upload/", True),
        ("PUT", "https://v3b.fal.media/files/b/00000000/x_a.bin", True),
        ("PUT", "https://v3b.fal.media/files/b/00000000/x_a.bin/multipart/abc/7", True),
        ("PUT", "https://v3b.fal.media/files/b/00000000/x_a.bin/7", True),
        ("PUT", "https://storage.googleapis.com/falserverless/files/b/00000000/x_a.bin", True),
        ("POST", "https://v3b.fal.media/files/upload/multipart", False),
        ("POST", "https://v3b.fal.media/files/b/00000000/x_a.bin/complete", False),
        ("POST", "https://rest.fal.ai/storage/upload/initiate", False),
        ("POST", "https://fal.run/fal-ai/flux/dev", False),
        ("PUT", "https://storage.googleapis.com/other/a", False),
        ("OPTIONS", "https://v3.fal.media/files/upload", False),
        ("GET", "https://v3b.fal.media/files/b/00000000/x_a.bin", False),
    ],
)
def test_which_bodies_go_to_disk(method: str, url: str, *, spooled: bool) -> None:
    host, _, path = url.removeprefix("https://").partition("/")
    config = Client().engine.config
    assert spools(config, method, host, f"/{path}", {"content-length": str(SPOOLED_ABOVE + 1)}) is spooled
    assert spools(config, method, host, f"/{path}", {"transfer-encoding": "chunked"}) is spooled
    assert not spools(config, method, host, f"/{path}", {"content-length": str(SPOOLED_ABOVE)})


def test_a_short_body_that_is_compressed_goes_to_disk() -> None:
    headers = {"content-length": "10", "content-encoding": "gzip"}
    assert spools(Client().engine.config, "POST", "v3.fal.media", "/files/upload", headers)
