"""Files in the control API, at another replica than the one that they were sent to."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from falmock.engine.config import Misses
from falmock.gateway.control import asset_view
from falmock.gateway.control.files_in import files_in
from falmock.wire.storage import digest
from unit.engine.shared.files.uploading import Replicas

HERE = "http://localhost/__falmock"
GIF = base64.b64decode("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==")


async def uploaded(replicas: Replicas, number: int, name: str, content: bytes, **more: Any) -> str:
    headers = {"x-fal-file-name": name, "content-type": "image/gif"}
    replicas.now += 1
    sent = await replicas.json(number, "POST", "https://v3b.fal.media/files/upload", content, headers=headers, **more)
    url: str = sent["access_url"]
    return url


async def listed(replicas: Replicas, number: int) -> dict[str, Any]:
    page = await replicas.json(number, "GET", f"{HERE}/assets", direct=True)
    return {each["name"]: each for each in page["assets"]}


def test_all_replicas_list_and_show_the_same(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        url = await uploaded(replicas, 0, "a.gif", GIF)
        await uploaded(replicas, 1, "large.bin", b"x" * 2**21, spooled=True)
        here, there = [await listed(replicas, number) for number in (0, 1)]
        assert here == there
        assert list(here) == ["large.bin", "a.gif"], "the newest first"
        assert here["a.gif"]["urls"] == [url]
        assert [here["a.gif"][key] for key in ("type", "width", "height", "origin")] == ["image/gif", 1, 1, "upload"]
        for name in here:
            for number in (0, 1):
                read = f"{HERE}/assets/{here[name]['sha256']}"
                part = await replicas.send(number, "GET", read, headers={"range": "bytes=0-2"}, direct=True)
                assert (part.status, part.body) == (206, (GIF if name == "a.gif" else b"xxx")[:3])

    asyncio.run(work())


def test_a_content_keeps_its_first_name(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        urls = [await uploaded(replicas, number, name, GIF) for number, name in ((0, "a.gif"), (1, "b.gif"))]
        (shown,) = (await listed(replicas, 0)).values()
        assert (shown["name"], sorted(shown["urls"])) == ("a.gif", sorted(urls))

    asyncio.run(work())


def test_what_would_be_much_to_load_is_shown_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset_view, "MOST_LOADED", len(GIF) + 1)

    async def work() -> None:
        replicas = Replicas(tmp_path)
        for name, content in (("a.gif", GIF), ("b.gif", GIF + b";")):
            await uploaded(replicas, 0, name, content)
        first, second = [await listed(replicas, 1) for _ in range(2)]
        assert [first[name]["type"] for name in ("a.gif", "b.gif")] == ["application/octet-stream", "image/gif"]
        assert [second[name]["type"] for name in ("a.gif", "b.gif")] == ["image/gif", "image/gif"]

    asyncio.run(work())


def test_a_file_that_is_added_is_at_all_replicas(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        body = {"name": "dot.gif", "data": base64.b64encode(GIF).decode()}
        added = await replicas.json(0, "POST", f"{HERE}/assets", body, direct=True)
        assert added["sha256"] == digest(GIF)
        assert (await replicas.send(1, "GET", added["urls"][0])).body == GIF
        assert (await listed(replicas, 1))["dot.gif"] == added

    asyncio.run(work())


def test_a_ticket_of_one_replica_reads_at_another(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, control_token="long-enough-token")
        await uploaded(replicas, 0, "a.gif", GIF)
        key = {"authorization": "Bearer long-enough-token"}
        ticket = (await replicas.json(0, "POST", f"{HERE}/assets/tickets", headers=key, direct=True))["ticket"]
        read = f"{HERE}/assets/{digest(GIF)}"
        assert (await replicas.send(1, "GET", read, direct=True)).status == 401
        assert (await replicas.send(1, "GET", f"{read}?ticket={ticket}", direct=True)).body == GIF

    asyncio.run(work())


def test_files_of_made_answers_are_listed_at_all_replicas(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, misses=Misses.SYNTHESIZE)
        made = await replicas.json(0, "POST", "https://fal.run/any/text-to-image", {"prompt": "a cat"})
        url = made["images"][0]["url"]
        for number in (1, 0):
            (file,) = (await listed(replicas, number)).values()
            assert (file["origin"], file["urls"]) == ("made", [url])

    asyncio.run(work())


def test_many_files_are_found_in_few_trips(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path)
        urls = []
        for number in range(20):
            promised = await replicas.initiate(number % 2, f"{number}.txt")
            await replicas.send(0, "PUT", promised["upload_url"], b"%d" % number, {"content-type": "text/plain"})
            urls += [promised["file_url"], await uploaded(replicas, 0, "a.gif", GIF + b"%d" % number)]
        shared, engine = replicas.apps[1].shared, replicas.apps[1].engines.common
        assert shared is not None
        replicas.stores[1].trips.clear()
        found = await shared.run(lambda _: files_in(engine, {"urls": urls}))
        assert [file["url"] for file in found] == urls
        assert set(replicas.stores[1].trips) == {"load"}, "no content"
        assert len(replicas.stores[1].trips) <= 3, "what the paths hold, then what it is"

    asyncio.run(work())
