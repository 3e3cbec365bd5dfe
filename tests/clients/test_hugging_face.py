"""Hugging Face's real clients, Python and JavaScript, through a real mitmdump.

With a fal key they call fal, with a token of Hugging Face's its router. Before, both ask the Hub for the endpoint.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import answers
from clients import running
from clients.elsewhere import Elsewhere
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

SCHNELL = "black-forest-labs/FLUX.1-schnell"
TOKEN = "hf_" + "t0ken" * 6
FILM = b"a film"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


PICTURE = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\x80"))
    + _chunk(b"IEND", b"")
)
"""One grey pixel: the Python client decodes it."""
PROGRAMS = ("hugging_face.py", "hugging_face.mjs")


def fixtures(folder: Path) -> Path:
    assets = folder / "_assets"
    assets.mkdir(parents=True)
    (assets / "cat.png").write_bytes(PICTURE)
    (assets / "film.mp4").write_bytes(FILM)
    image = {"images": [{"url": {"$file": "cat.png"}, "content_type": "image/png"}]}
    film = {"video": {"url": {"$file": "film.mp4"}, "content_type": "video/mp4"}}
    return write_fixtures(
        folder,
        answers.fixture("fal-ai/flux/schnell", image, input={"prompt": "a cat"}),
        answers.fixture("fal-ai/qwen-image", image, input={"prompt": "a cat"}),
        answers.fixture("fal-ai/nice/video", film, input={"prompt": "a cat"}),
    )


@pytest.fixture
def mock(confdir: Path, tmp_path: Path, elsewhere: Elsewhere) -> Iterator[Mitmdump]:
    upstream = f"upstream:http://127.0.0.1:{elsewhere.server_address[1]}"
    with mitmdump(
        confdir, "--mode", upstream, "--set", "fal_auth=required", fixtures=fixtures(tmp_path / "fixtures")
    ) as mock:
        yield mock


@pytest.mark.parametrize("key", [KEY, TOKEN])
@pytest.mark.parametrize("program", PROGRAMS)
def test_models_of_the_hub_are_answered_with_either_key(mock: Mitmdump, tmp_path: Path, program: str, key: str) -> None:
    with running.app(CLIENTS / "programs" / program, mock, HF_HOME=str(tmp_path)) as app:
        for model in (SCHNELL, "Qwen/Qwen-Image"):
            assert app("image", key=key, model=model, prompt="a cat") == {"sha256": answers.sha256(PICTURE)}
        assert app("video", key=key, model="acme/Nice-Video", prompt="a cat") == {"sha256": answers.sha256(FILM)}
        assert "raised" in app("image", key=key, model=SCHNELL, prompt="a dog")
    # The Hub itself is asked for nothing about models: what goes there is a registry that the Python client looks up.
    assert "The call goes to" not in mock.output
    assert ("https://router.huggingface.co/fal-ai/fal-ai/flux/schnell" in mock.output) is (key is TOKEN)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_model_without_fixtures_is_asked_for_at_hugging_face(
    mock: Mitmdump, tmp_path: Path, elsewhere: Elsewhere, program: str
) -> None:
    with running.app(CLIENTS / "programs" / program, mock, HF_HOME=str(tmp_path)) as app:
        assert "raised" in app("image", key=KEY, model="meta/llama", prompt="a cat")
    assert "no fixture is for an endpoint that serves meta/llama of Hugging Face" in mock.output
    assert elsewhere.seen
