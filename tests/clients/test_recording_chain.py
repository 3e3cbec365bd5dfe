"""A chain (upload, image-to-image, its result into a video model) recorded today replays although every URL differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import NamedTuple

import httpx
import pytest

from clients import running
from clients import tape
from clients.answers import sha256
from clients.running import CLIENTS
from clients.running import mitmdump
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import upstream

PROGRAM = CLIENTS / "programs" / "python_sync.py"


class Chain(NamedTuple):
    """What an app saw of it: the URLs, what they hold where it looked, and the seed of each step."""

    urls: tuple[str, str, str]
    contents: tuple[bytes, ...]
    seeds: tuple[int, int]


def chain(app: httpx.Client, *, downloads: bool) -> Chain:
    photo = tape.upload(app)
    drawn = tape.job(app, "test/image-to-image", {"prompt": "in oil", "image_url": photo}).json()
    picture = drawn["images"][0]["url"]
    contents = [app.get(picture).content] if downloads else []
    # The input has the URL in a list as well, and with the signature that some apps add.
    value = {"prompt": "it moves", "image_url": picture, "tail_image_urls": [picture, photo], "more": {"of": picture}}
    filmed = tape.job(app, "test/image-to-video", value).json()
    film = filmed["video"]["url"]
    if downloads:
        contents.append(app.get(film).content)
    return Chain((photo, picture, film), tuple(contents), (drawn["seed"], filmed["seed"]))


@pytest.mark.parametrize("downloads", [True, False], ids=["downloaded by the app", "fetched at the end"])
def test_a_chain(confdir: Path, tmp_path: Path, *, downloads: bool) -> None:
    folder = tmp_path / "fixtures"
    with upstream() as fal:
        with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
            recorded = chain(app, downloads=downloads)
        made = {url: fal.files.by_url[url].content for url in recorded.urls}
    tape.whole(folder)
    kept = {path.name.partition(".")[0]: path.suffix for path in (folder / "_assets").glob("[!.]*")}
    assert kept == {sha256(made[recorded.urls[1]]): ".png", sha256(made[recorded.urls[2]]): ".mp4"}
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        replayed = chain(app, downloads=downloads)
        again = chain(app, downloads=True)
    assert (replayed.seeds, again.seeds) == (recorded.seeds, recorded.seeds)
    assert set(replayed.urls).isdisjoint(recorded.urls)
    assert again.contents == tuple(made[url] for url in recorded.urls[1:])
    assert replayed.contents == recorded.contents
    assert "server connect" not in mock.output


def test_a_chain_of_the_python_client(confdir: Path, tmp_path: Path) -> None:
    folder, photo = tmp_path / "fixtures", tmp_path / "photo.jpg"
    photo.write_bytes(tape.PHOTO)

    def use(app: Callable[..., Any]) -> dict[str, Any]:
        url = app("upload", path=str(photo))
        drawn = app("subscribe", app="fal-ai/flux/dev/image-to-image", arguments={"prompt": "x", "image_url": url})
        picture = drawn["result"]["images"][0]["url"]
        filmed = app("subscribe", app="fal-ai/kling-video/v2/pro", arguments={"prompt": "y", "image_url": picture})
        return filmed["result"] | {"file": app("download", url=filmed["result"]["video"]["url"], headers={})}

    with upstream() as fal, recording(confdir, fal, folder) as mock, running.app(PROGRAM, mock) as app:
        recorded = use(app)
    with mitmdump(confdir, fixtures=folder) as mock, running.app(PROGRAM, mock) as app:
        replayed = use(app)
    assert replayed["file"]["size"] == 200_000
    assert tape.plain(replayed) == tape.plain(recorded)
    assert replayed["video"]["url"].endswith("_output.mp4")


def test_nothing_is_fetched_that_is_not_wanted(confdir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures"
    with upstream() as fal:
        with recording(confdir, fal, folder, "--set", "fal_record_assets=none") as mock, tape.client(mock) as app:
            recorded = chain(app, downloads=False)
        assert fal.asked("GET v3b.fal.media") == []
    assert not list(folder.glob("_assets/*"))
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        assert chain(app, downloads=False).seeds == recorded.seeds


def test_what_is_gone_is_named(confdir: Path, tmp_path: Path) -> None:
    """Files that cannot be fetched: gone, refused, reset. The others come, and every fixture stands."""
    folder = tmp_path / "fixtures"
    with upstream() as fal, recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        made = tape.job(app, "test/image", {"num_images": 4}).json()
        gone, reset, garbled, fine = (image["url"] for image in made["images"])
        del fal.files.by_url[gone]
        fal.trouble(f"GET v3b.fal.media{httpx.URL(reset).path}", "reset")
        fal.trouble(f"GET v3b.fal.media{httpx.URL(garbled).path}", "cut")
        content = fal.files.by_url[fine].content
    for url, why in ((gone, "status 404"), (reset, "server closed connection"), (garbled, "")):
        assert f"the file {url} could not be fetched ({why}" in mock.output, mock.output
    assert f"the file {fine} could not" not in mock.output
    tape.whole(folder, lacks_files=True)
    assert [path.read_bytes() for path in (folder / "_assets").glob("[!.]*")] == [content]
    (entry,) = tape.entries(folder)
    assert [image["url"] for image in entry["response"]["json"]["images"]] == [
        gone,
        reset,
        garbled,
        {"$file": f"sha256:{sha256(content)}"},
    ]
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        again = [image["url"] for image in tape.job(app, "test/image", {"num_images": 4}).json()["images"]]
        assert again[:3] == [gone, reset, garbled]
        assert app.get(again[3]).content == content
        assert app.get(gone).status_code == 404


def test_a_file_of_another_day_is_another_input(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """The content decides, not the name."""
    folder = tmp_path / "fixtures"
    with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        tape.job(app, "test/image-to-image", {"image_url": tape.upload(app)})
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        same = tape.job(app, "test/image-to-image", {"image_url": tape.upload(app, name="renamed.jpg")})
        other = app.post(f"{tape.QUEUE}/test/image-to-image", json={"image_url": tape.upload(app, b"other")})
    assert same.status_code == 200
    assert (other.status_code, other.headers["x-falmock-miss"]) == (404, "1")


def test_uploads_by_every_route(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """One put, one post, in parts of either kind: the same content is the same input."""
    folder, program = tmp_path / "fixtures", tmp_path / "photo.jpg"
    program.write_bytes(tape.PHOTO)
    routes: dict[str, Callable[[httpx.Client], str]] = {"put": tape.upload, "parts": in_parts, "python": python_parts}
    with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        answers = [
            tape.job(app, "test/image-to-image", {"image_url": route(app)}).json()["seed"] for route in routes.values()
        ]
    assert len(set(answers)) == 1
    (entry,) = tape.entries(folder)[:1]
    assert entry["match"]["input"]["image_url"]["$file"] == f"sha256:{sha256(tape.PHOTO)}"
    assert len(tape.documents(folder)) == 1
    tape.whole(folder)
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        for route in routes.values():
            assert tape.job(app, "test/image-to-image", {"image_url": route(app)}).json()["seed"] == answers[0]


def in_parts(app: httpx.Client) -> str:
    """As the JavaScript client uploads what is large."""
    wanted = {"content_type": "image/jpeg", "file_name": "photo.jpg"}
    url = "https://rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3"
    place = app.post(url, json=wanted).json()
    target, _, query = place["upload_url"].partition("?")
    parts = []
    for number, part in enumerate((tape.PHOTO[:600], tape.PHOTO[600:]), 1):
        answer = app.put(f"{target}/{number}?{query}", content=part)
        parts.append({"partNumber": number, "etag": answer.json()["etag"]})
    assert app.post(f"{target}/complete?{query}", json={"parts": parts}).status_code == 200
    return str(place["file_url"])


def python_parts(app: httpx.Client) -> str:
    """As the Python client uploads what is large, the second part first."""
    token = app.post("https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()
    head = {"Authorization": f"{token['token_type']} {token['token']}"}
    named = head | {"Content-Type": "image/jpeg", "X-Fal-File-Name": "photo.jpg"}
    begun = app.post("https://v3.fal.media/files/upload/multipart", headers=named).json()
    url = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    parts = {}
    for number, part in ((2, tape.PHOTO[600:]), (1, tape.PHOTO[:600])):
        parts[number] = app.put(f"{url}/{number}", content=part, headers=head).headers["etag"]
    listed = [{"partNumber": number, "etag": parts[number]} for number in sorted(parts)]
    assert app.post(f"{url}/complete", json={"parts": listed}, headers=head).status_code == 200
    return str(begun["access_url"])
