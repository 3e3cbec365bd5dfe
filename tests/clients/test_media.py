"""Made files decode in FFmpeg, and play in a real Chromium.

Without them the tests are skipped, and in CI they fail.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from clients import browser
from clients import running
from falmock.synthesis.media.files import content_of
from falmock.synthesis.media.h264 import Size
from falmock.synthesis.media.limits import within_limits
from falmock.synthesis.media.mp3 import pitch
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.formats.media import extension_of
from falmock.wire.formats.media import type_of
from unit.synthesis.media import boxes
from unit.synthesis.media.h264_reader import added
from unit.synthesis.media.h264_reader import macroblocks

TEXT = "It was a bright cold day in April, and the clocks were striking thirteen."
FILMS = [
    Recipe("video/mp4", 1920, 1080, 8.0, 24.0, 1, TEXT),
    Recipe("video/mp4", 854, 480, 5.0, 30.0, 2),
    Recipe("video/mp4", 1000, 700, 2.5, 30000 / 1001, 3),
    Recipe("video/mp4", 720, 1280, 2.0, 60.0, 4),
    Recipe("video/mp4", 101, 333, 3.0, 23.976, 5),
]
RARE_FILMS = [
    Recipe("video/mp4", 3840, 2160, 1.5, 24.0, 6),
    Recipe("video/mp4", 16, 16, 0.01, 24.0, 7),
    Recipe("video/mp4", 2, 2, 1.0, 1.0, 8),
    Recipe("video/mp4", 40, 4000, 3.0, 7.5, 9),
    Recipe("video/mp4", 640, 360, 8.0, 0.5, 10),
    Recipe("video/mp4", 128, 96, 61.0, 25.0, 11),
]
SOUNDS = [Recipe("audio/mpeg", duration=5.0, seed=seed) for seed in (1, 2)] + [
    Recipe("audio/wav", duration=5.0, seed=1)
]
PICTURES = [
    Recipe(kind, 640, 480, seed=1, text=TEXT)
    for kind in ("image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml")
]


def name_of(recipe: Recipe) -> str:
    return f"{recipe.width}x{recipe.height}-{recipe.seed}.{extension_of(recipe.content_type)}"


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        running.lacking(f"tests of made files need {name}")
    return found


def quiet(*command: str) -> bytes:
    """The standard output of FFmpeg, which must have nothing to complain of."""
    done = subprocess.run([program(command[0]), "-v", "warning", *command[1:]], capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, ""), command
    return done.stdout


def probed(path: Path) -> dict[str, Any]:
    shown = "stream=codec_name,width,height,avg_frame_rate,nb_read_frames,duration,sample_rate"
    found = json.loads(quiet("ffprobe", "-count_frames", "-show_entries", shown, "-of", "json", str(path)))
    (stream,) = found["streams"]
    return dict(stream)


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / name_of(request.param)
    file.write_bytes(content_of(request.param))
    return file


@pytest.mark.parametrize(
    ("path", "recipe"), [(each, each) for each in FILMS + RARE_FILMS], indirect=["path"], ids=name_of
)
def test_ffmpeg_decodes_every_frame_of_a_film(path, recipe):
    given = within_limits(recipe)
    stream = probed(path)
    rate, _, base = stream["avg_frame_rate"].partition("/")
    frames = int(stream["nb_read_frames"])
    assert stream["codec_name"] == "h264"
    assert (stream["width"], stream["height"]) == (given.width, given.height)
    assert int(rate) / int(base) == pytest.approx(recipe.fps, rel=1e-5)
    assert frames == max(1, round(recipe.duration * recipe.fps))
    assert float(stream["duration"]) == pytest.approx(frames / recipe.fps, rel=1e-4)
    assert quiet("ffmpeg", "-xerror", "-i", str(path), "-f", "null", "-") == b""


@pytest.mark.parametrize(("path", "recipe"), [(each, each) for each in FILMS], indirect=["path"], ids=name_of)
def test_ffmpeg_seeks_in_a_film(path, recipe):
    """After the key frame that is nearest, all frames up to the one that is asked for are decoded."""
    picture = ("-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    place = int(recipe.duration * recipe.fps * 0.7)
    # A little before the frame is shown: that of a time is the next one.
    sought = quiet("ffmpeg", "-ss", f"{(place - 0.25) / recipe.fps:.5f}", "-i", str(path), *picture)
    read = quiet("ffmpeg", "-i", str(path), "-vf", f"select=eq(n\\,{place})", *picture)
    assert sought == read != b""


@pytest.mark.parametrize("path", [Recipe("video/mp4", 192, 48, 4.1, 24.0, seed) for seed in (1, 2)], indirect=True)
def test_a_film_has_the_colours_that_its_frames_say(path):
    film = boxes.film(path.read_bytes())
    size = Size(192, 48)
    decoded = quiet("ffmpeg", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    planes = (192 * 48, 192 * 48 // 4, 192 * 48 // 4)
    colors: list[list[int]] = []
    for place, sample in enumerate(film.samples):
        if place in film.keys:
            bars = [bar for bar in macroblocks(sample[4:], size)[0] if bar != "left"]
            colors = [[int(part) for part in bar.split(",")] for bar in bars]
        else:
            by = added(sample[4:])
            colors = [[part + more for part, more in zip(color, by, strict=True)] for color in colors]
        frame = decoded[place * sum(planes) : (place + 1) * sum(planes)]
        y, u, v = frame[: planes[0]], frame[planes[0] : -planes[2]], frame[-planes[2] :]
        # The last column of each of the six bars, at the top and at the bottom
        for plane, width, part in ((y, 192, 0), (u, 96, 1), (v, 96, 2)):
            expected = [color[part] for color in colors]
            step = width // 6
            assert [*plane[step - 1 : width : step]] == [*plane[-width:][step - 1 :: step]] == expected
    assert len(decoded) == len(film.samples) * sum(planes)


@pytest.mark.parametrize(("path", "recipe"), [(each, each) for each in SOUNDS], indirect=["path"], ids=name_of)
def test_ffmpeg_hears_a_tone(path, recipe):
    stream = probed(path)
    rate = int(stream["sample_rate"])
    assert float(stream["duration"]) == pytest.approx(5, abs=0.025)
    # A WAV file of one channel does not say which it is.
    data = quiet("ffmpeg", "-guess_layout_max", "0", "-i", str(path), "-f", "s16le", "-")
    heard = memoryview(data).cast("h")[rate : 4 * rate]
    tone = sum(a < 0 <= b for a, b in pairwise(heard)) / 3
    assert 7000 < max(heard) < 9000
    assert tone == pytest.approx(pitch(recipe), abs=1) if path.suffix == ".mp3" else 200 < tone < 700
    # A pure tone: the samples have the power of a sine, and the peaks of all its parts are equal.
    power = sum(sample * sample for sample in heard) / len(heard)
    assert power == pytest.approx(max(heard) ** 2 / 2, rel=0.05)


@pytest.mark.parametrize(
    "path", [Recipe("audio/mpeg", duration=0.0), Recipe("audio/mpeg", duration=60.0)], indirect=True
)
def test_ffmpeg_takes_the_shortest_sound_and_a_longer_one(path):
    assert quiet("ffmpeg", "-xerror", "-i", str(path), "-f", "null", "-") == b""


@pytest.mark.parametrize("kind", ["application/x-subrip", "text/vtt"])
def test_ffmpeg_reads_subtitles(kind, tmp_path):
    path = tmp_path / f"talk.{extension_of(kind)}"
    path.write_bytes(content_of(Recipe(kind, duration=10.0, text=TEXT)))
    read = quiet("ffmpeg", "-i", str(path), "-f", "webvtt", "-").decode()
    assert read.startswith("WEBVTT\n\n00:00.000 --> 00:05.833\nIt was a bright cold day in April, and the\n\n")


@contextmanager
def served(files: dict[str, bytes]) -> Iterator[str]:
    """The origin of a server on loopback, which has the files, a list of them, and the pages."""
    content = {f"/files/{name}": (type_of(name), data) for name, data in files.items()}
    listed = [{"name": name, "type": type_of(name)} for name in files]
    content["/files.json"] = ("application/json", json.dumps(listed).encode())
    for name, kind in (("media.html", "text/html"), ("page.js", "text/javascript")):
        content[f"/{name}"] = (kind, (running.CLIENTS / "pages" / name).read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, data = content[self.path]
            first, _, last = self.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
            start, end = int(first), int(last or len(data) - 1) + 1
            self.send_response(206 if "range" in self.headers else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(data[start:end])))
            if "range" in self.headers:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            self.end_headers()
            self.wfile.write(data[start:end])

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """What a page in Chromium tells of each file."""
    talk = Recipe("text/vtt", duration=10.0, text="tick & tock. " * 8)
    files = {name_of(recipe): content_of(recipe) for recipe in (*FILMS, *SOUNDS, *PICTURES, talk)}
    browser.require()
    with served(files) as origin, browser.alone(origin) as visit:
        found = visit("media.html")["media.html"]
    assert (found.failed, found.console, found.unloaded) == (None, [], [])
    return dict(found.shown)


@pytest.mark.parametrize("recipe", FILMS, ids=name_of)
def test_chromium_plays_a_film_and_goes_to_any_part_of_it(shown, recipe):
    film = shown[name_of(recipe)]
    given = within_limits(recipe)
    colors = [each["shows"] for each in film["sought"]]
    assert (film["width"], film["height"]) == (given.width, given.height)
    assert film["duration"] == pytest.approx(recipe.duration, abs=0.51 / recipe.fps)
    assert [each["time"] / film["duration"] for each in film["sought"]] == pytest.approx([0.5, 0.75, 0.25], abs=1e-4)
    assert all(sum(color) > 60 for color in colors)
    assert len({tuple(color) for color in colors}) > 1
    assert film["played"] >= 0.3


@pytest.mark.parametrize("recipe", SOUNDS, ids=name_of)
def test_chromium_plays_a_sound_and_goes_to_any_part_of_it(shown, recipe):
    sound = shown[name_of(recipe)]
    assert sound["duration"] == pytest.approx(5, abs=0.025)
    assert [each["time"] / sound["duration"] for each in sound["sought"]] == pytest.approx([0.5, 0.75, 0.25], abs=1e-4)
    assert sound["loudness"] == pytest.approx(0.25, abs=0.02)
    assert sound["played"] >= 0.3


@pytest.mark.parametrize("recipe", PICTURES, ids=name_of)
def test_chromium_shows_a_picture(shown, recipe):
    picture = shown[name_of(recipe)]
    assert (picture["width"], picture["height"]) == (640, 480)
    same = {"image/png", "image/gif"}
    if recipe.content_type in same:
        assert picture["pixels"] == shown[name_of(PICTURES[0])]["pixels"]


def test_chromium_shows_subtitles(shown):
    cues = shown["0x0-0.vtt"]
    assert cues[0][0] == 0
    assert cues[-1][1] == 10
    assert "".join(text for *_, text in cues).count("tick &amp; tock.") == 8
