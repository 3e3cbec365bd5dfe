"""Recorders that are killed, two recorders at once, and disks that cannot be written."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx

from clients import running
from clients import tape
from clients.answers import sha256
from clients.disks import ROOT
from clients.disks import can_mount
from clients.disks import little_room
from clients.running import MITMDUMP
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Upstream
from clients.upstream import recorded_by_two
from clients.upstream import recording
from falmock.fixtures.disk.loader import FixtureLoader

KILLS = 15
LIMIT = 300_000
"""The largest file (bytes) that a process with little room may write."""


def work(mock: Mitmdump, number: int, stop: threading.Event) -> None:
    """An app that does all that gets recorded, until its proxy is gone."""
    with tape.client(mock, timeout=5) as app, suppress(httpx.TransportError, AssertionError, ValueError, KeyError):
        for turn in range(10_000):
            if stop.is_set():
                return
            value = {"prompt": f"{number} {turn % 5}", "num_images": 3}
            images = tape.job(app, "test/image", value).json()["images"]
            app.get(images[0]["url"])
            filmed = app.post("https://fal.run/test/video", json={"bytes": 3_000_000, "of": f"{number} {turn}"}).json()
            app.get(filmed["video"]["url"])
            tape.job(app, "test/image-to-image", {"image_url": tape.upload(app, os.urandom(100_000))})
            app.post("https://fal.run/test/echo", json={"again": number})


def _wait_for_another(folder: Path, seconds: float = 20) -> None:
    """Wait until one more fixture is on disk."""
    before, deadline = len(list(folder.rglob("*.json"))), time.monotonic() + seconds
    while len(list(folder.rglob("*.json"))) <= before and time.monotonic() < deadline:
        time.sleep(0.01)


def test_killed_at_any_moment(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """Whatever is on disk then is whole, a start in replay takes it, and the next recorder tidies up."""
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    found = []
    for turn in range(KILLS):
        stop = threading.Event()
        with recording(confdir, fal, tmp_path) as mock, ThreadPoolExecutor(3) as apps:
            assert tape.leftovers(tmp_path) == [], "what the last one left is still there"
            for number in range(3):
                apps.submit(work, mock, number, stop)
            if turn % 2:
                _wait_for_another(tmp_path)  # a slow machine does not come that far in the time below
            time.sleep(dice.uniform(0.05, 0.5))
            mock.process.kill()
            mock.process.wait()
            stop.set()
        library = FixtureLoader([str(tmp_path)]).load()  # raises where a file is not whole
        assert library.files == len(tape.documents(tmp_path)), f"seed {seed}"
        found.append((library.files, len(tape.leftovers(tmp_path))))
    files, left = zip(*found, strict=True)
    assert files[-1] > 0, "nothing was ever recorded"
    assert any(left), "no kill ever came while something was written"
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        names = [path for path in tape.documents(tmp_path) if path.startswith("test/image/")]
        assert names
        for entry in tape.documents(tmp_path)[names[0]]["fixtures"][:1]:
            assert tape.job(app, "test/image", entry["match"]["input"]).status_code == 200
    for asset in (tmp_path / "_assets").glob("[!.]*"):
        assert sha256(asset.read_bytes()) == asset.name.partition(".")[0]


def test_two_recorders_of_one_folder(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """Apps of both do the same and different things; what either recorded is there."""

    def use(mock: Mitmdump, number: int) -> None:
        with tape.client(mock) as app:
            for turn in range(20):
                app.post("https://fal.run/test/echo", json={"turn": turn})
                app.post("https://fal.run/test/echo", json={"turn": turn, "by": number})
                images = app.post("https://fal.run/test/image", json={"turn": turn}).json()["images"]
                app.get(images[0]["url"])

    mocks = recorded_by_two(confdir, fal, tmp_path, use)
    tape.whole(tmp_path)
    assert len(tape.documents(tmp_path)) == 20 * 4
    for mock in mocks:
        assert "could not be written" not in mock.output
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        for turn in range(20):
            image = app.post("https://fal.run/test/image", json={"turn": turn}).json()["images"][0]
            assert app.get(image["url"]).content.startswith(b"\x89PNG")


# disks


def fill(app: httpx.Client) -> list[int]:
    """Have recorded what is too much for a small disk; what the app saw."""
    app.post("https://fal.run/test/echo", json={"prompt": "before"})
    filmed = app.post("https://fal.run/test/video", json={"bytes": 4_000_000}).json()
    film = app.get(filmed["video"]["url"])
    sizes = [len(film.content)]
    for number in range(4):
        answer = app.post("https://fal.run/test/echo", json={"prompt": f"long {number}", "text": "x" * LIMIT})
        sizes.append(len(answer.json()["input"]["text"]))
    return sizes


def check_full(mock: Mitmdump, folder: Path, sizes: list[int], why: str) -> None:
    assert sizes == [4_000_000] + [LIMIT] * 4, "the app must not notice"
    assert "could not be written: " + why in mock.output
    assert "What was recorded before is as it was" in mock.output
    assert "Traceback" not in mock.output
    tape.whole(folder, lacks_files=True)
    prompts = [entry["match"]["input"].get("prompt") for entry in tape.entries(folder)]
    assert "before" in prompts


def test_a_full_disk(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with little_room(tmp_path / "disk") as disk:
        with recording(confdir, fal, disk / "fixtures") as mock, tape.client(mock) as app:
            sizes = fill(app)
        check_full(mock, disk / "fixtures", sizes, "No space left on device")


def test_files_may_not_grow(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """As a full disk, for those who may not mount one."""
    program = tmp_path / "limited.py"
    program.write_text(
        "import os, resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    options = ("--set", "fal_mode=record", *fal.arguments)
    command = (sys.executable, str(program), str(MITMDUMP))
    folder = tmp_path / "fixtures"
    with mitmdump(confdir, *options, fixtures=folder, program=command) as mock, tape.client(mock) as app:
        sizes = fill(app)
    check_full(mock, folder, sizes, "File too large")


def refusal(confdir: Path, folder: Path, *program: str) -> str:
    """What a recorder says that does not start."""
    args = ("--listen-host", "127.0.0.1", "-p", "0", "--set", "fal_mode=record", "--set", f"fal_fixtures={folder}")
    mock = running.start(confdir, *args, program=program or (str(MITMDUMP),))
    assert running.exit_code(mock) == 1
    mock.wait_for("falmock: fal_fixtures:")
    assert "Traceback" not in mock.output
    return mock.output


def test_a_file_in_the_way(confdir: Path, tmp_path: Path) -> None:
    file = tmp_path / "fixtures.json"
    file.write_text('{"fixtures": []}')
    assert f"which must be a folder; {file} is a file" in refusal(confdir, file)
    assert f"recordings cannot be written to {file / 'below'}: Not a directory" in refusal(confdir, file / "below")


def test_a_read_only_folder(confdir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures"
    folder.mkdir()
    if ROOT:
        if not can_mount(tmp_path):
            running.lacking("root may write everywhere, and a read-only disk cannot be mounted here")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(folder)], check=True)
        why = "Read-only file system"
    else:
        folder.chmod(0o555)
        why = "Permission denied"
    try:
        assert f"recordings cannot be written to {folder}: {why}" in refusal(confdir, folder)
    finally:
        if ROOT:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        else:
            folder.chmod(0o755)
