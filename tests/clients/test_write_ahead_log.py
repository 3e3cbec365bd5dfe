"""What an app has been answered is not lost, whatever becomes of its recorder: the write-ahead log of recordings."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from clients import running
from clients import tape
from clients.answers import sha256
from clients.disks import ROOT
from clients.disks import little_room
from clients.running import MITMDUMP
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from clients.upstream import Upstream
from clients.upstream import recorded_by_two
from clients.upstream import recording
from falmock.fixtures.disk.loader import FixtureLoader

KILLS = int(os.environ.get("FALMOCK_KILLS", "6"))
"""How many times both recorders are killed; hundreds, for those who have a quarter of an hour."""
SLOTS = 20


class App:
    """An app that calls fal through a recorder until it is killed.

    `answered` are the request ids of what it was answered, `in_slots` those that a later turn replaces.
    """

    def __init__(self, mock: Mitmdump, number: int) -> None:
        self.answered: list[str] = []
        self.in_slots: list[str] = []
        self._mock = mock
        self._number = number
        self._is_killed = False

    def kill(self) -> None:
        """Kill the recorder."""
        self._is_killed = True
        self._mock.process.kill()
        self._mock.process.wait()

    def run(self, turn: int) -> None:
        with tape.client(self._mock) as client:
            try:
                for place in range(10_000):
                    self._calls(client, turn, place)
            except (httpx.TransportError, AssertionError, ValueError, KeyError):
                if not self._is_killed:
                    raise

    def _calls(self, client: httpx.Client, turn: int, place: int) -> None:
        if place < SLOTS // 2:  # every other match of one file, which the other recorder rewrites too
            self.in_slots.append(self._call(client, {"slot": 2 * place + self._number}))
        self.answered.append(self._call(client, {"by": self._number, "turn": turn, "place": place}))
        job = tape.submit(client, "test/echo", {"job": place, "by": self._number, "turn": turn})
        assert tape.finish(client, job).status_code == 200
        self.answered.append(job.rpartition("/")[2])
        images = client.post("https://fal.run/test/image", json={"of": f"{turn} {place}"}).json()["images"]
        client.get(images[0]["url"])

    def _call(self, client: httpx.Client, value: dict[str, int]) -> str:
        answer = client.post("https://fal.run/test/echo", json=value)
        assert answer.status_code == 200
        return str(answer.headers["x-fal-request-id"])


def request_ids(folder: Path) -> set[str]:
    return {entry["recorded"]["requestId"] for entry in tape.entries(folder) if "requestId" in entry["recorded"]}


def check(folder: Path, answered: list[str], seed: int) -> None:
    """All that was answered is there, and everything is whole."""
    lost = set(answered) - request_ids(folder)
    assert not lost, f"{len(lost)} of {len(answered)} are lost (seed {seed})"
    FixtureLoader([str(folder)]).load()  # raises where a file is not whole
    for asset in (folder / "_assets").glob("[!.]*"):
        assert sha256(asset.read_bytes()) == asset.name.partition(".")[0]


def shared(tmp_path: Path) -> Path:
    """A folder with one file, which both recorders rewrite."""
    slots = [
        {
            "match": {"model": "test/echo", "input": {"slot": slot}, "exact": True},
            "response": {"json": slot},
            "recorded": {},
        }
        for slot in range(SLOTS)
    ]
    return write_fixtures(tmp_path / "fixtures", *slots, name="shared.json")


def slots_of(folder: Path) -> list[int]:
    return sorted(entry["match"]["input"]["slot"] for entry in tape.documents(folder)["shared.json"]["fixtures"])


def test_two_recorders_that_are_killed_lose_nothing(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    folder = shared(tmp_path)
    answered: list[str] = []
    in_slots: list[str] = []
    folded = 0
    for turn in range(KILLS):
        with (
            recording(confdir, fal, folder) as one,
            recording(confdir, fal, folder) as other,
            ThreadPoolExecutor(2) as pool,
        ):
            check(folder, answered + in_slots, seed)
            folded += sum("killed recorders" in mock.output for mock in (one, other))
            apps = [App(mock, number) for number, mock in enumerate((one, other))]
            ends = [pool.submit(app.run, turn) for app in apps]
            time.sleep(dice.uniform(0.3, 2.5))
            for app in dice.sample(apps, 2):
                app.kill()
            for end in ends:
                end.result()
        answered += [name for app in apps for name in app.answered]
        in_slots = [name for app in apps for name in app.in_slots]
    assert len(answered) > KILLS, f"hardly anything was answered (seed {seed})"
    assert folded > 0, f"no kill ever came while something was not in the fixtures (seed {seed})"
    with recording(confdir, fal, folder):
        check(folder, answered + in_slots, seed)
    assert tape.logs(folder) == []
    assert tape.leftovers(folder) == []
    assert slots_of(folder) == list(range(SLOTS))


def killed(confdir: Path, fal: Upstream, folder: Path, act: Callable[[httpx.Client], object]) -> None:
    """A recorder that is killed before it writes fixtures: what it has is in its log."""
    for _ in range(3):
        with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
            act(app)
            mock.process.kill()
            mock.process.wait()
        if not tape.documents(folder):
            assert len(tape.logs(folder)) == 1
            return
        shutil.rmtree(folder)  # a busy machine: it took so long that the recorder had written
    raise AssertionError("the recorder always had written fixtures before it was killed")


def echo(app: httpx.Client) -> None:
    assert app.post("https://fal.run/test/echo", json={"prompt": "a cat"}).status_code == 200


def test_replay_tells_of_a_log_and_leaves_it(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    killed(confdir, fal, tmp_path, echo)
    before = tape.tree(tmp_path)
    for mode in ("replay", "passthrough"):
        with mitmdump(confdir, "--set", f"fal_mode={mode}", *fal.arguments, fixtures=tmp_path) as mock:
            assert "1 answers of a recorder that was killed are not in the fixtures yet" in mock.output
            assert "start once with fal_mode=record" in mock.output
    assert tape.tree(tmp_path) == before
    with recording(confdir, fal, tmp_path) as mock:
        assert f"1 answers that killed recorders had not written yet are in {tmp_path} now" in mock.output
        with mitmdump(confdir, fixtures=tmp_path) as replay, tape.client(replay) as app:
            assert "killed" not in replay.output, "the log of a recorder that lives is none of its business"
            assert app.post("https://fal.run/test/echo", json={"prompt": "a cat"}).json()["input"] == {
                "prompt": "a cat"
            }
    assert not (tmp_path / ".falmock-wal").exists()


def test_replay_makes_no_log(confdir: Path, tmp_path: Path) -> None:
    folder = write_fixtures(tmp_path, {"match": {"model": "test/echo"}, "response": {"json": 1}})
    before = tape.tree(folder)
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        assert app.post("https://fal.run/test/echo", json={}).json() == 1
    assert tape.tree(folder) == before


def leak(app: httpx.Client) -> None:
    for model in ("test/leaky", "test/leaky/stream"):
        app.post(f"https://fal.run/{model}", json={"prompt": "a cat"}, headers={"Cookie": "session=0123456789abcdef"})
    images = app.post("https://fal.run/test/image", json={"prompt": "a cat", "sync_mode": True}).json()["images"]
    assert images


def test_a_log_is_for_its_owner_and_has_no_secrets(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    killed(confdir, fal, tmp_path, leak)
    (log,) = tape.logs(tmp_path)
    assert (log.parent.stat().st_mode & 0o777, log.stat().st_mode & 0o777) == (0o700, 0o600)
    assert (log.parent / ".gitignore").read_text() == "*\n"
    assert fal.secrets
    assert not [
        secret for secret in (*fal.secrets, running.KEY, "0123456789abcdef") if secret.encode() in log.read_bytes()
    ]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    status = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True
    )
    assert ".falmock-wal" not in status.stdout
    with recording(confdir, fal, tmp_path):
        assert len(tape.entries(tmp_path)) == 3
    tape.whole(tmp_path)


def record_too_much(app: httpx.Client) -> None:
    """Calls whose answers do not all fit on a disk with little room."""
    for number in range(8):
        answer = app.post("https://fal.run/test/echo", json={"n": number, "text": "x" * 200_000})
        assert answer.status_code == 200


def test_what_a_full_disk_refused_is_written_when_there_is_room(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with little_room(tmp_path / "disk") as disk:
        with recording(confdir, fal, disk / "fixtures") as mock, tape.client(mock) as app:
            record_too_much(app)
            mock.wait_for("could not be written: No space left on device")
            assert len(tape.entries(disk)) < 8
            subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)
            mock.wait_for("the disk takes recordings again")
        assert mock.output.count("could not be written") == 1
        assert sorted(entry["match"]["input"]["n"] for entry in tape.entries(disk)) == list(range(8))
        assert tape.logs(disk / "fixtures") == []


def test_what_is_never_written_is_told_as_lost(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with little_room(tmp_path / "disk") as disk:
        with recording(confdir, fal, disk / "fixtures") as mock, tape.client(mock) as app:
            record_too_much(app)
        assert "It is lost" in mock.output
        written = len(tape.entries(disk))
        assert mock.output.count("It is lost") + mock.output.count("the next recorder writes it") + written == 8
        subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)
        with recording(confdir, fal, disk / "fixtures"):
            assert len(tape.entries(disk)) == 8 - mock.output.count("It is lost")


def in_another_pid_namespace() -> tuple[str, ...]:
    """What comes before a program that is to run in a PID namespace of its own."""
    command = ("unshare", "--pid", "--fork", "--kill-child")
    if not ROOT or shutil.which("unshare") is None or subprocess.run([*command, "true"], check=False).returncode:
        running.lacking("a PID namespace cannot be made here: needs root and unshare")
    return command


def test_a_start_leaves_the_files_of_a_recorder_in_another_container(
    confdir: Path, tmp_path: Path, fal: Upstream
) -> None:
    options = ("--set", "fal_mode=record", *fal.arguments)
    program = (*in_another_pid_namespace(), str(MITMDUMP))
    (tmp_path / "_assets").mkdir()
    left = tmp_path / "_assets" / ".falmock-0123456789ab-0123456789ab.tmp"
    left.write_bytes(b"half")
    with mitmdump(confdir, *options, fixtures=tmp_path, program=program) as mock, tape.client(mock) as app:
        assert not left.exists(), "nobody who lives made it"
        echo(app)
        film = app.post("https://fal.run/test/video", json={"bytes": 30_000_000}).json()["video"]["url"]
        with app.stream("GET", film) as answer:
            pieces = answer.iter_bytes(65536)
            size = len(next(pieces))
            (part,) = tape.leftovers(tmp_path)
            with recording(confdir, fal, tmp_path) as other:
                assert tape.leftovers(tmp_path) == [part]
                assert "killed" not in other.output
            size += sum(map(len, pieces))
        assert size == 30_000_000
    assert [asset.stat().st_size for asset in (tmp_path / "_assets").glob("[!.]*")] == [30_000_000]
    assert tape.leftovers(tmp_path) == []


@pytest.mark.parametrize("what", ["torn", "damaged"])
def test_a_log_that_is_not_whole(confdir: Path, tmp_path: Path, fal: Upstream, what: str) -> None:
    def several(app: httpx.Client) -> None:
        for number in range(3):
            app.post("https://fal.run/test/echo", json={"n": number})

    killed(confdir, fal, tmp_path, several)
    (log,) = tape.logs(tmp_path)
    raw = log.read_bytes()
    log.write_bytes(raw[:-20] if what == "torn" else raw[:30] + b"?" + raw[31:])
    with recording(confdir, fal, tmp_path) as mock:
        assert "2 answers that killed recorders had not written yet" in mock.output
        assert ("expected records, found 1 damaged" in mock.output) is (what == "damaged")
    assert sorted(entry["match"]["input"]["n"] for entry in tape.entries(tmp_path)) == (
        [0, 1] if what == "torn" else [1, 2]
    )
    assert [path.suffix for path in tape.logs(tmp_path)] == ([] if what == "torn" else [".damaged"])


def test_two_recorders_rewrite_different_matches_of_one_file(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    folder = shared(tmp_path)
    ids: list[str] = []

    def use(mock: Mitmdump, number: int) -> None:
        with tape.client(mock) as app:
            for place in range(number, SLOTS, 2):
                answer = app.post("https://fal.run/test/echo", json={"slot": place})
                ids.append(answer.headers["x-fal-request-id"])

    recorded_by_two(confdir, fal, folder, use)
    assert request_ids(folder) == set(ids)
    assert slots_of(folder) == list(range(SLOTS))
