"""Any interleaving of uploads over replicas, some of which die, gives the answers of one falmock with its memory."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import precondition
from hypothesis.stateful import rule

from falmock.engine.config import Misses
from falmock.wire.storage import digest
from unit.engine.shared.files.uploading import REST
from unit.engine.shared.files.uploading import Alone
from unit.engine.shared.files.uploading import Replicas
from unit.engine.shared.files.uploading import header

CONTENTS = [b"hello", b"", b"other", b"x" * 70_000]
FIXTURES = [
    {
        "match": {"model": "a/b", "input": {"url": {"$file": f"sha256:{digest(content)}"}}},
        "response": {"json": {"is": n}},
    }
    for n, content in enumerate(CONTENTS)
]
COMPARED = ("content-type", "etag", "content-range", "x-falmock-miss", "access-control-allow-origin")
T = TypeVar("T")
numbers = st.integers(0, 1)
contents = st.sampled_from(CONTENTS)
names = st.sampled_from(["a.txt", "b c.png"])
places = st.integers(0, 100)


class Uploading(RuleBasedStateMachine):
    """The same calls to replicas, each at any of them, and to one falmock on its own."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name)
        (path / "shared").mkdir()
        self.loop = asyncio.Runner()
        config: dict[str, Any] = {"misses": Misses.SYNTHESIZE}
        self.stored = self.of(self.replicas(path, None, **config))
        self.foldered = self.of(self.replicas(path, path / "shared", **config))
        self.alone = self.of(self.one(path, **config))
        self.uploads: list[tuple[str, str]] = []
        self.urls: list[str] = []

    async def replicas(self, path: Path, shared: Path | None, **config: Any) -> Replicas:
        return Replicas(path, *FIXTURES, shared=shared, **config)

    async def one(self, path: Path, **config: Any) -> Alone:
        return Alone(path, *FIXTURES, **config)

    def of(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def teardown(self) -> None:
        for replicas in (self.stored, self.foldered, self.alone):
            self.of(replicas.leave())
        self.loop.close()
        self.folder.cleanup()

    def send(self, number: int, *given: Any, **more: Any) -> Any:
        """The answer to a call, which is the same wherever it is sent."""
        expected, *found = [
            self.of(replicas.send(at, *given, **more))
            for replicas, at in ((self.alone, 0), (self.stored, number), (self.foldered, 1 - number))
        ]
        for reply in found:
            assert (reply.status, reply.body, reply.length) == (expected.status, expected.body, expected.length), given
            assert [header(reply, name) for name in COMPARED] == [header(expected, name) for name in COMPARED]
        return json.loads(expected.body) if expected.status == 200 and expected.body[:1] == b"{" else None

    @rule(number=numbers, name=names, multipart=st.booleans())
    def initiate(self, number: int, name: str, *, multipart: bool) -> None:
        route = "initiate-multipart" if multipart else "initiate"
        body = {"content_type": "text/plain", "file_name": name}
        urls = self.send(number, "POST", f"{REST}/upload/{route}?storage_type=fal-cdn-v3", body)
        self.uploads.append((urls["upload_url"], urls["file_url"]))
        self.urls.append(urls["file_url"])

    @rule(number=numbers, name=names)
    def start_as_python_does(self, number: int, name: str) -> None:
        headers = {"x-fal-file-name": name, "content-type": "text/plain"}
        started = self.send(number, "POST", "https://v3b.fal.media/files/upload/multipart", b"", headers)
        base = f"{started['access_url']}/multipart/{started['uploadId']}"
        self.uploads.append((base, started["access_url"]))
        self.urls.append(started["access_url"])

    @precondition(lambda self: self.uploads)
    @rule(number=numbers, place=places, content=contents, spooled=st.booleans())
    def put(self, number: int, place: int, content: bytes, *, spooled: bool) -> None:
        url = self.uploads[place % len(self.uploads)][0]
        self.send(number, "PUT", url, content, {"content-type": "image/png"}, spooled=spooled)

    @precondition(lambda self: self.uploads)
    @rule(number=numbers, place=places, part=st.integers(0, 4), content=contents, spooled=st.booleans())
    def put_part(self, number: int, place: int, part: int, content: bytes, *, spooled: bool) -> None:
        base, _, query = self.uploads[place % len(self.uploads)][0].partition("?")
        self.send(number, "PUT", f"{base}/{part}?{query}", content, spooled=spooled)

    @precondition(lambda self: self.uploads)
    @rule(number=numbers, place=places, parts=st.lists(st.integers(1, 4), max_size=3, unique=True))
    def complete(self, number: int, place: int, parts: list[int]) -> None:
        base, _, query = self.uploads[place % len(self.uploads)][0].partition("?")
        named = {"parts": [{"partNumber": part} for part in parts]}
        self.send(number, "POST", f"{base}/complete?{query}", named)

    @rule(
        number=numbers, name=names, content=contents, kind=st.sampled_from(["text/plain", "a/b"]), spooled=st.booleans()
    )
    def upload(self, number: int, name: str, content: bytes, kind: str, *, spooled: bool) -> None:
        headers = {"x-fal-file-name": name, "content-type": kind}
        sent = self.send(number, "POST", "https://v3b.fal.media/files/upload", content, headers, spooled=spooled)
        self.urls.append(sent["access_url"])

    @precondition(lambda self: self.urls)
    @rule(
        number=numbers, place=places, method=st.sampled_from(["GET", "HEAD"]), bounds=st.sampled_from(["", "bytes=1-3"])
    )
    def get(self, number: int, place: int, method: str, bounds: str) -> None:
        self.send(number, method, self.urls[place % len(self.urls)], headers={"range": bounds} if bounds else {})

    @precondition(lambda self: self.urls)
    @rule(number=numbers, chosen=st.lists(places, min_size=1, max_size=3))
    def run(self, number: int, chosen: list[int]) -> None:
        urls = [self.urls[place % len(self.urls)] for place in chosen]
        self.send(number, "POST", "https://fal.run/a/b", {"url": urls[0], "more": urls[1:]})

    @rule(number=numbers, prompt=names)
    def make(self, number: int, prompt: str) -> None:
        made = self.send(number, "POST", "https://fal.run/any/text-to-image", {"prompt": prompt})
        self.urls += [image["url"] for image in made["images"]]

    @rule(number=numbers)
    def kill(self, number: int) -> None:
        async def kill() -> None:
            self.stored.kill(number)
            self.foldered.kill(1 - number)

        self.of(kill())

    @precondition(lambda self: self.uploads)
    @rule(place=places, content=contents, names=st.lists(names, min_size=2, max_size=4))
    def at_once(self, place: int, content: bytes, names: list[str]) -> None:
        """Calls at both replicas at once, whose answers do not depend on their order."""
        base, _, query = self.uploads[place % len(self.uploads)][0].partition("?")
        headers = {"content-type": "text/plain"}

        def calls(replicas: Replicas) -> list[Coroutine[Any, Any, Any]]:
            count = len(replicas.apps)
            parts = [
                replicas.send(number % count, "PUT", f"{base}/{number}?{query}", content + b"%d" % number, headers)
                for number in range(1, 4)
            ]
            whole = [
                replicas.send(
                    number % count, "POST", "https://v3b.fal.media/files/upload", content, {"x-fal-file-name": name}
                )
                for number, name in enumerate(names)
            ]
            return [*parts, *whole]

        async def answers(replicas: Replicas) -> list[Any]:
            return [(reply.status, reply.body) for reply in await asyncio.gather(*calls(replicas))]

        expected = self.of(answers(self.alone))
        assert self.of(answers(self.stored)) == expected
        assert self.of(answers(self.foldered)) == expected

    @rule(count=st.integers(2, 6), name=names)
    def promise_at_once(self, count: int, name: str) -> None:
        """The same URLs are given, to whom is not said; each takes a content of its own."""

        async def promised(replicas: Replicas) -> list[Any]:
            urls = await asyncio.gather(
                *(replicas.initiate(number % len(replicas.apps), name) for number in range(count))
            )
            return sorted((each["upload_url"], each["file_url"]) for each in urls)

        expected = self.of(promised(self.alone))
        assert self.of(promised(self.stored)) == self.of(promised(self.foldered)) == expected
        self.uploads += expected
        self.urls += [file_url for _, file_url in expected]


Uploading.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestUploading = Uploading.TestCase
