"""Uploads at replicas of one store: every step at another replica, and replicas that die between the steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falmock.engine.shared.files.registry import BLOB_LIMIT
from falmock.recording.uploads import File
from falmock.wire.storage import content_url
from falmock.wire.storage import digest
from unit.engine.shared.files.uploading import Replicas
from unit.engine.shared.files.uploading import header

SHARED = ["in the store", "in a folder"]
MIB = 1024 * 1024
BY_FILE = {
    "match": {"model": "a/b", "input": {"image_url": {"$file": f"sha256:{digest(b'hello')}"}}},
    "response": {"json": {"found": True}},
}
TEXT = {"content-type": "text/plain"}
Test = Callable[[Replicas], Awaitable[None]]


@pytest.fixture(params=SHARED)
def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> Replicas:
    folder = None
    if request.param == SHARED[1]:
        folder = tmp_path / "shared"
        folder.mkdir()
    return Replicas(tmp_path, BY_FILE, shared=folder)


def run(work: Awaitable[None]) -> None:
    async def whole() -> None:
        await work

    asyncio.run(whole())


async def put_at_another(replicas: Replicas, *, dies: bool = False) -> str:
    urls = await replicas.initiate(0)
    if dies:
        replicas.kill(0)
    stored = await replicas.send(1, "PUT", urls["upload_url"], b"hello", TEXT)
    assert stored.status == 200
    if dies:
        replicas.kill(1)
    url: str = urls["file_url"]
    return url


@pytest.mark.parametrize("dies", [False, True])
def test_a_url_of_one_replica_takes_its_content_at_another(replicas: Replicas, *, dies: bool) -> None:
    async def work() -> None:
        url = await put_at_another(replicas, dies=dies)
        for number in (0, 1):
            got = await replicas.send(number, "GET", url)
            assert (got.status, got.body, header(got, "content-type")) == (200, b"hello", "text/plain")
            part = await replicas.send(number, "GET", url, headers={"range": "bytes=1-2"})
            assert (part.status, part.body) == (206, b"el")
            assert (await replicas.send(number, "HEAD", url)).length == 5

    run(work())


@pytest.mark.parametrize("dies", [False, True])
def test_calls_match_by_the_content_that_another_replica_has(replicas: Replicas, *, dies: bool) -> None:
    async def work() -> None:
        url = await put_at_another(replicas, dies=dies)
        for number in (0, 1):
            found = await replicas.json(number, "POST", "https://fal.run/a/b", {"image_url": url})
            assert found == {"found": True}

    run(work())


def test_before_its_content_comes_a_url_is_a_miss_everywhere(replicas: Replicas) -> None:
    async def work() -> None:
        urls = await replicas.initiate(0)
        assert (await replicas.send(1, "GET", urls["file_url"])).status == 404
        assert (await replicas.send(1, "POST", "https://fal.run/a/b", {"image_url": urls["file_url"]})).status == 404

    run(work())


@pytest.mark.parametrize("spooled", [False, True])
def test_a_whole_upload_is_at_all_replicas(replicas: Replicas, *, spooled: bool) -> None:
    async def work() -> None:
        headers = {**TEXT, "x-fal-file-name": "a.txt"}
        sent = await replicas.json(
            0, "POST", "https://v3b.fal.media/files/upload", b"hello", headers=headers, spooled=spooled
        )
        replicas.kill(0)
        got = await replicas.send(1, "GET", sent["access_url"])
        assert (got.body, header(got, "content-type")) == (b"hello", "text/plain")
        found = await replicas.json(0, "POST", "https://fal.run/a/b", {"image_url": sent["access_url"]})
        assert found == {"found": True}

    run(work())


@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize("dies", [False, True])
def test_parts_come_to_different_replicas(replicas: Replicas, *, spooled: bool, dies: bool) -> None:
    async def work() -> None:
        contents = [b"one-", b"two-", b"three", b"-four"]
        url, complete, parts = await replicas.multipart((0, 1), contents, spooled=spooled)
        if dies:
            replicas.kill(0)
        done = await replicas.json(1, "POST", complete, parts)
        assert done["access_url"] == url
        again = await replicas.json(0, "POST", complete, parts)  # a client that did not get the answer
        assert again["access_url"] == url
        replicas.kill(1)
        for number in (0, 1):
            assert (await replicas.send(number, "GET", url)).body == b"one-two-three-four"

    run(work())


def test_parts_that_come_at_once_are_all_kept(replicas: Replicas) -> None:
    async def work() -> None:
        urls = await replicas.initiate(0, multipart=True)
        base, _, query = urls["upload_url"].partition("?")
        contents = [f"{number:03}".encode() for number in range(1, 21)]
        puts = [
            replicas.json(number % 2, "PUT", f"{base}/{number}?{query}", content)
            for number, content in enumerate(contents, 1)
        ]
        parts = await asyncio.gather(*puts)
        await replicas.json(1, "POST", f"{base}/complete?{query}", {"parts": parts})
        assert (await replicas.send(0, "GET", urls["file_url"])).body == b"".join(contents)

    run(work())


def test_a_part_is_replaced_and_a_missing_one_is_told(replicas: Replicas) -> None:
    async def work() -> None:
        url, complete, parts = await replicas.multipart((0, 1), [b"one-", b"two"])
        base, _, query = complete.partition("/complete?")
        parts["parts"][0] = await replicas.json(1, "PUT", f"{base}/1?{query}", b"ONE-")
        refused = await replicas.send(0, "POST", complete, {"parts": [{"partNumber": 3}]})
        assert (refused.status, b"part 3 was not uploaded" in refused.body) == (400, True)  # type: ignore[operator]
        await replicas.json(0, "POST", complete, parts)
        assert (await replicas.send(1, "GET", url)).body == b"ONE-two"

    run(work())


def test_equal_names_at_two_replicas_at_once_are_two_files(replicas: Replicas) -> None:
    async def work() -> None:
        promised = await asyncio.gather(*(replicas.initiate(number % 2) for number in range(10)))
        urls = [each["upload_url"] for each in promised]
        assert len(set(urls)) == 10
        for number, url in enumerate(urls):
            await replicas.send(number % 2, "PUT", url, f"{number}".encode())
        for number, each in enumerate(promised):
            assert (await replicas.send(1, "GET", each["file_url"])).body == f"{number}".encode()

    run(work())


def test_promised_urls_are_those_of_one_falmock(tmp_path: Path) -> None:
    async def urls(count: int) -> list[Any]:
        replicas = Replicas(tmp_path, count=count)
        return [await replicas.initiate(number % count) for number in range(4)]

    assert asyncio.run(urls(2)) == asyncio.run(urls(1))


def test_what_a_recorded_answer_promised_takes_its_content_at_another_replica(tmp_path: Path) -> None:
    file_url = "https://v3b.fal.media/files/b/0123/real_cat.png"
    initiate = {
        "match": {"method": "POST", "path": "/storage/upload/initiate"},
        "response": {"json": {"file_url": file_url, "upload_url": f"{file_url}?signature=x"}},
    }
    by_url = {"match": {"model": "a/b", "input": {"image_url": file_url}}, "response": {"json": {"by": "url"}}}

    async def work() -> None:
        replicas = Replicas(tmp_path, initiate, by_url)
        assert (await replicas.initiate(0))["file_url"] == file_url
        assert (await replicas.send(1, "PUT", f"{file_url}?signature=x", b"hello", TEXT)).status == 200
        replicas.kill(0)
        assert (await replicas.send(0, "GET", file_url)).body == b"hello"
        assert await replicas.json(0, "POST", "https://fal.run/a/b", {"image_url": file_url}) == {"by": "url"}

    run(work())


@pytest.mark.parametrize("spooled", [False, True])
def test_what_is_too_large_for_the_store_is_refused(tmp_path: Path, *, spooled: bool) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, limit=10)
        urls = await replicas.initiate(0)
        refused = await replicas.send(1, "PUT", urls["upload_url"], b"x" * 11, spooled=spooled)
        assert refused.status == 413
        assert b"more than the 10 kept in the store" in refused.body  # type: ignore[operator]
        assert b"files=FOLDER" in refused.body  # type: ignore[operator]
        urls = await replicas.initiate(0, multipart=True)
        base, _, query = urls["upload_url"].partition("?")
        for number, status in ((1, 200), (2, 413)):
            part = await replicas.send(number - 1, "PUT", f"{base}/{number}?{query}", b"x" * 6, spooled=spooled)
            assert part.status == status
        kept = [file for number in (0, 1) for file in replicas.edges[number].files]
        assert len(kept) == int(spooled), "of what was refused nothing stays on disk"

    run(work())


def test_files_end_when_nobody_uses_them_and_live_while_somebody_does(replicas: Replicas) -> None:
    async def work() -> None:
        used, unused = await put_at_another(replicas), (await replicas.initiate(1, "other"))
        await replicas.send(0, "PUT", unused["upload_url"], b"other")
        for number in range(8):
            replicas.now += 1000
            replicas.kill(number % 2)
            found = await replicas.send(number % 2, "POST", "https://fal.run/a/b", {"image_url": used})
            assert found.status == 200
        assert (await replicas.send(0, "GET", used)).body == b"hello"
        assert (await replicas.send(0, "GET", unused["file_url"])).status == 404
        promised = await replicas.initiate(0)
        assert promised["file_url"] != used, "the count of promises began anew, and the path is in use"

    run(work())


def test_files_are_kept_longer_than_jobs_that_end_soon(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, job_ttl=1.0)
        url = await put_at_another(replicas)
        replicas.now += 3000
        assert (await replicas.send(0, "GET", url)).status == 200

    run(work())


def test_an_upload_whose_parts_come_slowly_is_kept(replicas: Replicas) -> None:
    async def work() -> None:
        urls = await replicas.initiate(0, multipart=True)
        base, _, query = urls["upload_url"].partition("?")
        parts = []
        for number in range(1, 8):
            parts.append(await replicas.json(number % 2, "PUT", f"{base}/{number}?{query}", b"%d" % number))
            replicas.now += 1000
            replicas.kill(number % 2)
        await replicas.json(0, "POST", f"{base}/complete?{query}", {"parts": parts})
        assert (await replicas.send(1, "GET", urls["file_url"])).body == b"1234567"
        replicas.now += 3601
        assert (await replicas.send(0, "POST", f"{base}/complete?{query}", {"parts": parts})).status == 404

    run(work())


def test_completing_again_needs_no_parts(replicas: Replicas) -> None:
    async def work() -> None:
        url, complete, parts = await replicas.multipart((0, 1), [b"one-", b"two"])
        await replicas.json(0, "POST", complete, parts)
        again = {"parts": [*parts["parts"], {"partNumber": 3}]}
        assert (await replicas.json(1, "POST", complete, again))["access_url"] == url

    run(work())


def test_a_reset_forgets_no_file(replicas: Replicas) -> None:
    async def work() -> None:
        url = await put_at_another(replicas)
        assert (await replicas.send(0, "POST", "http://localhost/__falmock/reset", direct=True)).status in (200, 204)
        assert (await replicas.send(1, "GET", url)).body == b"hello"

    run(work())


def test_what_a_recording_learned_is_known_to_the_falmock_that_records(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, BY_FILE)
        url = "https://v3b.fal.media/files/b/0123/real_cat.png"
        replicas.apps[0].learned(File(url, digest(b"hello"), 5, "image/png"))
        assert await replicas.json(0, "POST", "https://fal.run/a/b", {"image_url": url}) == {"found": True}
        assert (await replicas.send(0, "GET", url)).status == 404

    run(work())


def test_round_trips(tmp_path: Path) -> None:
    async def work() -> None:
        replicas = Replicas(tmp_path, BY_FILE)
        for _ in range(2):  # what is set up is known then
            urls = await replicas.initiate(0)
        assert replicas.stores[0].trips == ["load", "commit"]
        await replicas.send(0, "PUT", urls["upload_url"], b"hello", TEXT)
        assert replicas.stores[0].trips == ["load", "load", "put_blob", "commit"]
        await replicas.send(1, "POST", "https://fal.run/a/b", {"image_url": urls["file_url"]})
        again = {"image_url": urls["file_url"], "more": [(await put_at_another(replicas)) for _ in range(5)]}
        await replicas.send(1, "POST", "https://fal.run/a/b", again)
        assert replicas.stores[1].trips == ["load"], "all URLs at once"

        async def trips(url: str) -> list[str]:
            await replicas.send(1, "POST", "https://fal.run/a/b", {"image_url": url})
            return [trip for trip in replicas.stores[1].trips if trip != "ranged"]  # asked once a second

        assert await trips(content_url(digest(b"hello"), "a b.txt")) == ["load"], "its path has the digest"
        without = await trips("no file")
        assert without == ["load"]
        assert await trips("https://example.com/a/b") == without

    run(work())


def test_the_limit_is_one_that_documents_tell() -> None:
    assert BLOB_LIMIT == 64 * MIB
