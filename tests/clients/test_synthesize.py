"""Apps that have no fixtures at all: real clients through a real falmock that makes the answers, and files that decode.

Without FFmpeg the tests of films and sounds are skipped, and in CI they fail.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from clients import answers
from clients import running
from clients import tape
from clients.receiver import receiver
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.test_golden import Started
from clients.test_golden import flows
from clients.test_golden import lane

App = Callable[..., Any]
PYTHON = CLIENTS / "programs" / "python_sync.py"
MAKES = ("--set", "fal_miss=synthesize")
DRAW = "fal-ai/flux/dev/image-to-image"
FILM = "fal-ai/kling-video/v2/image-to-video"
LLM = "fal-ai/any-llm"
SPEECH = "fal-ai/kokoro/american-english"
CAT = {"prompt": "a cat é"}


def synthesizing(started: Started, confdir: Path, folder: Path, *options: str) -> Any:
    """A falmock in a folder that has no fixtures."""
    folder.mkdir(parents=True, exist_ok=True)
    return started(confdir, *MAKES, *options, cwd=folder)


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with synthesizing(running.mitmdump, confdir, tmp_path_factory.mktemp("empty")) as mock:
        yield mock
        for bad in ("Traceback", "500 Internal Server Error"):
            assert bad not in mock.output


@pytest.fixture(scope="module")
def app(mock: Mitmdump) -> Iterator[App]:
    with running.app(PYTHON, mock) as app:
        yield app


@pytest.fixture
def plain(mock: Mitmdump) -> Iterator[httpx.Client]:
    with tape.client(mock) as client:
        yield client


def probed(content: bytes, folder: Path) -> dict[str, Any]:
    """What FFmpeg says of the one stream of a film or a sound, all of whose frames it decodes."""
    if shutil.which("ffprobe") is None:
        running.lacking("films and sounds are decoded by FFmpeg, and there is no ffprobe on the PATH")
    path = folder / "made"
    path.write_bytes(content)
    shown = "stream=codec_name,width,height,duration"
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", shown, "-of", "json", str(path)]
    (stream,) = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)["streams"]
    return dict(stream)


# a chain of calls


def chain(app: App, photo: Path) -> dict[str, Any]:
    """Upload a picture, have it drawn, have a film made of the drawing, and download both; everything that the app sees."""
    uploaded = app("upload", path=str(photo))
    asked = {"prompt": "as a drawing", "image_url": uploaded, "image_size": "landscape_16_9"}
    drawn = app("subscribe", app=DRAW, arguments=asked)
    picture = drawn["result"]["images"][0]["url"]
    filmed = app("subscribe", app=FILM, arguments={"prompt": "it moves", "image_url": picture, "duration": "3"})
    files = [app("download", url=url, headers={}) for url in (picture, filmed["result"]["video"]["url"])]
    return {"drawn": drawn, "filmed": filmed, "files": files}


def test_a_chain_ends_well_and_each_falmock_makes_the_same(confdir: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(answers.PHOTO)
    seen, contents = [], []
    for number, started in enumerate((lane, flows, running.serve)):
        with synthesizing(started, confdir, tmp_path / str(number)) as mock:
            with running.app(PYTHON, mock) as app:
                seen.append(chain(app, photo))
            result = seen[-1]
            urls = [result["drawn"]["result"]["images"][0]["url"], result["filmed"]["result"]["video"]["url"]]
            with tape.client(mock) as client:
                contents.append([client.get(url).content for url in urls])
        assert ("calls do not go through flows" in mock.output) == (started is lane)
        assert "Traceback" not in mock.output
        assert not list((tmp_path / str(number)).rglob("*.*"))
    for result in seen:
        assert [update["kind"] for update in result["drawn"]["updates"]][-1] == "Completed"
        result["drawn"].pop("updates")
        result["filmed"].pop("updates")
    assert seen[0] == seen[1] == seen[2]
    assert contents[0] == contents[1] == contents[2]
    picture, film = contents[0]
    told = [(file["status"], file["type"], file["sha256"]) for file in seen[0]["files"]]
    assert told == [
        (200, "image/png", hashlib.sha256(picture).hexdigest()),
        (200, "video/mp4", hashlib.sha256(film).hexdigest()),
    ]
    image = Image.open(io.BytesIO(picture))
    image.load()
    named = seen[0]["drawn"]["result"]["images"][0]
    assert image.size == (named["width"], named["height"]) == (1024, 576)
    stream = probed(film, tmp_path)
    assert stream["codec_name"] == "h264"
    assert float(stream["duration"]) == pytest.approx(3, abs=0.05)


def test_other_inputs_have_other_files(app: App) -> None:
    pictures = [app("run", app=DRAW, arguments=CAT | more)["images"][0]["url"] for more in ({}, {"seed": 1}, {})]
    files = [app("download", url=url, headers={})["sha256"] for url in pictures]
    assert pictures[0] == pictures[2] != pictures[1]
    assert files[0] == files[2] != files[1]


def test_parts_of_a_film_and_its_head(app: App, plain: httpx.Client) -> None:
    url = app("run", app=FILM, arguments=CAT)["video"]["url"]
    head = plain.head(url)  # nobody has read the file before
    whole = plain.get(url)
    size = len(whole.content)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    assert head.headers["content-type"] == whole.headers["content-type"] == "video/mp4"
    part = plain.get(url, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, whole.content[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{size}"
    assert plain.get(url, headers={"Range": "bytes=-10"}).content == whole.content[-10:]
    assert plain.get(url, headers={"Range": f"bytes={size}-"}).status_code == 416
    known = plain.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


# other outputs


@pytest.mark.parametrize("act", ["run", "subscribe"])
@pytest.mark.parametrize(
    ("more", "codec"),
    [pytest.param({}, "pcm_s16le", id="wav"), pytest.param({"output_format": "mp3"}, "mp3", id="mp3")],
)
def test_speech_is_a_sound(
    app: App, plain: httpx.Client, act: str, more: dict[str, str], codec: str, tmp_path: Path
) -> None:
    seen = app(act, app=SPEECH, arguments={"text": "Hello there, how are you?", **more})
    sound = (seen if act == "run" else seen["result"])["audio"]
    stream = probed(plain.get(sound["url"]).content, tmp_path)
    assert stream["codec_name"] == codec
    assert float(stream["duration"]) > 0.5


@pytest.mark.parametrize("act", ["run", "subscribe"])
def test_a_transcript(app: App, act: str) -> None:
    seen = app(act, app="fal-ai/whisper", arguments={"audio_url": "https://example.com/talk.mp3"})
    result = seen if act == "run" else seen["result"]
    assert " ".join(chunk["text"] for chunk in result["chunks"]) == result["text"]
    times = [time for chunk in result["chunks"] for time in chunk["timestamp"]]
    assert times == sorted(times)
    assert "made by falmock" in result["text"]


def test_a_stream_of_text(app: App) -> None:
    events = app("stream", app=LLM, arguments={"prompt": "a cat"})["events"]
    texts = [event["output"] for event in events]
    assert len(set(texts)) > 1
    assert all(after.startswith(before) for before, after in pairwise(texts))
    assert [event["partial"] for event in events] == [True] * (len(events) - 1) + [False]
    assert app("run", app=LLM, arguments={"prompt": "a cat"})["output"].startswith("This text was made by falmock")


def test_a_webhook_has_the_made_answer(app: App) -> None:
    with receiver() as server:
        hook = server.hook()
        app("order", app=DRAW, arguments=CAT, webhook=hook.url)
        told = json.loads(hook.wait()[0].body)
    assert (told["status"], told["payload"]) == ("OK", app("run", app=DRAW, arguments=CAT))


def test_the_images_of_openai(mock: Mitmdump, plain: httpx.Client) -> None:
    asked = {"model": "fal-ai/flux/dev", "prompt": "a cat", "n": 2, "size": "1024x1536", "response_format": "url"}
    answer = httpx.post(f"{mock.proxy}/v1/images/generations", json=asked, trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-falmock-synthesized"] == "guess"
    images = [Image.open(io.BytesIO(plain.get(image["url"]).content)) for image in answer.json()["data"]]
    assert [image.size for image in images] == [(1024, 1536)] * 2


def test_what_no_family_knows_stays_a_miss(app: App) -> None:
    answer = app("run", app="acme/thing", arguments=CAT)
    assert answer["status"] == 404
    assert "None was made, as nothing is known of what acme/thing answers" in answer["message"]
    assert "falmock schemas fetch acme/thing" in answer["message"]


# how it is told


def test_every_answer_says_that_it_was_made(confdir: Path, tmp_path: Path) -> None:
    with synthesizing(running.mitmdump, confdir, tmp_path) as mock:
        with tape.client(mock) as client:
            answered = [client.post(f"https://fal.run/{DRAW}", json=CAT)]
            answered.append(client.post(f"https://queue.fal.run/{DRAW}", json=CAT))
            job = answered[-1].json()
            answered += [client.get(job["status_url"]), client.get(job["response_url"])]
            answered.append(client.post(f"https://fal.run/{LLM}/stream", json=CAT))
        for answer in answered:
            assert answer.status_code in (200, 202), answer.text
            assert answer.headers["x-falmock-synthesized"] == "guess"
            assert answer.headers["x-falmock-fixture"].startswith("guess:fal-ai/")
        view = httpx.get(f"{mock.proxy}/__falmock/journal", trust_env=False).json()
        assert {entry["fixture"] for entry in view["entries"]} == {f"guess:{DRAW}#0", f"guess:{LLM}/stream#0"}
    end = mock.output[mock.output.rindex(" calls: ") :]
    assert end.startswith(" calls: 0 replayed, 5 synthesized, 0 misses")


# JavaScript


@pytest.fixture(scope="module")
def js(mock: Mitmdump) -> Iterator[App]:
    with running.app(CLIENTS / "programs" / "client.mjs", mock) as app:
        yield app


def test_js_has_the_same_answers(app: App, js: App) -> None:
    seen = js("subscribe", app=DRAW, input=CAT)
    assert [update["status"] for update in seen["updates"]][-1] == "COMPLETED"
    assert seen["result"]["data"] == app("run", app=DRAW, arguments=CAT)
    url = seen["result"]["data"]["images"][0]["url"]
    assert js("download", url=url) == app("download", url=url, headers={})
    stream = js("stream", app=LLM, input=CAT)
    assert stream["taken"] == stream["told"] == app("stream", app=LLM, arguments=CAT)["events"]
    assert stream["done"] == stream["taken"][-1]
