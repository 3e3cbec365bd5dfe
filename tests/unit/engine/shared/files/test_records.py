from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from falmock.engine.shared.files import made
from falmock.engine.shared.files import promised
from falmock.engine.shared.files import registry
from falmock.engine.shared.files.records import key_of
from unit.engine.shared.files.uploading import Replicas

MODEL = "https://fal.run/any/text-to-image"


def test_keys_are_short_and_of_no_scope() -> None:
    key = key_of("file", "/files/b/" + "x" * 5000)
    assert key.startswith("{}:file:")
    assert len(key) < 50
    assert key != key_of("file", "/files/b/" + "x" * 5001)
    assert key_of("file", "\ud800") != key_of("file", "?")


def test_there_are_only_so_many_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promised, "MOST", 3)

    async def work() -> None:
        replicas = Replicas(tmp_path)
        promised = []
        for number in range(5):
            replicas.now += 1
            promised.append(await replicas.initiate(number % 2))
        found = [
            (await replicas.send(0, "PUT", each["upload_url"], b"x", {"content-type": "a/b"})).status
            for each in promised
        ]
        assert found == [404, 404, 200, 200, 200]

    asyncio.run(work())


def test_there_are_only_so_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_PENDING", 2)

    async def work() -> None:
        replicas = Replicas(tmp_path)
        urls = []
        for number in range(6):
            replicas.now += 1
            headers = {"x-fal-file-name": "a.txt", "content-type": "text/plain"}
            sent = await replicas.json(
                number % 2, "POST", "https://v3b.fal.media/files/upload", b"%d" % number, headers=headers
            )
            urls.append(sent["access_url"])
            if number == 3:
                assert (await replicas.send(1, "GET", urls[0])).status == 200
        assert [(await replicas.send(1, "GET", url)).status for url in urls] == [404, 404, 200, 200, 200, 200]

    asyncio.run(work())


def test_there_are_only_so_many_made_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "LIMIT", 2)

    async def work() -> None:
        from falmock.engine.config import Misses

        replicas = Replicas(tmp_path, misses=Misses.SYNTHESIZE)
        urls = []
        for number in range(4):
            replicas.now += 1
            answer = await replicas.json(number % 2, "POST", MODEL, {"prompt": f"{number}"})
            urls.append(answer["images"][0]["url"])
        assert [(await replicas.send(1, "GET", url)).status for url in urls] == [404, 404, 200, 200]

    asyncio.run(work())
