"""Files of made answers: each replica serves those that another one promised."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from falmock.engine.config import Misses
from falmock.wire.storage import digest
from unit.engine.shared.files.uploading import Replicas

MODEL = "https://fal.run/any/text-to-image"


async def made(replicas: Replicas, number: int, prompt: str = "a cat") -> str:
    answer: Any = await replicas.json(number, "POST", MODEL, {"prompt": prompt})
    url: str = answer["images"][0]["url"]
    return url


def test_every_replica_serves_a_made_file_and_knows_its_digest(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, misses=Misses.SYNTHESIZE)
        url = await made(replicas, 0)
        replicas.kill(0)
        first, second = [await replicas.send(number, "GET", url) for number in (0, 1)]
        assert first.status == 200
        assert first.body == second.body
        assert isinstance(first.body, bytes)
        for number in (0, 1):
            assets = replicas.apps[number].engines.common
            shared = replicas.apps[number].shared
            assert shared is not None
            assert await shared.run(lambda _, assets=assets: assets.digest_of(url)) == digest(first.body)  # type: ignore[misc]
            known = await shared.run(lambda _, assets=assets: assets.file_of(url))  # type: ignore[misc]
            assert known is not None
            assert known.asset.data == first.body

    asyncio.run(work())


def test_a_made_file_lives_while_it_is_read(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, misses=Misses.SYNTHESIZE)
        read, unread = await made(replicas, 0), await made(replicas, 0, "a dog")
        for number in range(5):
            replicas.now += 1000
            assert (await replicas.send(number % 2, "GET", read)).status == 200
        assert (await replicas.send(1, "GET", unread)).status == 404

    asyncio.run(work())


def test_secrets_are_hidden_before_a_recipe_is_kept(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, misses=Misses.SYNTHESIZE)
        replicas.apps[0].redactor.learn_value("sesame-open-0123456789")
        url = await made(replicas, 0, "say sesame-open-0123456789")
        kept = b"".join(replicas.store._values.values())
        assert b"sesame" not in kept
        first, second = [await replicas.send(number, "GET", url) for number in (0, 1)]
        assert first.body == second.body

    asyncio.run(work())


def test_a_digest_of_a_made_file_is_known_where_it_was_not_made(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, misses=Misses.SYNTHESIZE)
        url = await made(replicas, 0)
        body = (await replicas.send(0, "GET", url)).body
        assert isinstance(body, bytes)
        found = await replicas.send(1, "GET", f"http://localhost/__falmock/assets/{digest(body)}", direct=True)
        assert (found.status, found.body) == (200, body)

    asyncio.run(work())
