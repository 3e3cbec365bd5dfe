"""Tests of somebody who uses pytest-falmock. Those whose names say so fail, or are errors."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

import fal_client
import httpx
import pytest
from conftest import CLIENT
from pytest_falmock import Falmock
from pytest_falmock import FalmockError

CAT = {"prompt": "a cat"}
DOG = {"prompt": "a dog"}


def call(arguments: dict[str, str]) -> httpx.Response:
    return CLIENT.post("https://fal.run/test/pets", json=arguments)


@pytest.mark.falmock
def test_the_mark_alone() -> None:
    assert fal_client.run("test/pets", arguments=CAT) == {"says": "meow"}


@pytest.mark.falmock
@pytest.mark.parametrize("number", [1, 2])
def test_a_client_that_keeps_its_connection(number: int) -> None:
    assert [call(CAT).json()["says"] for _ in range(number)] == ["meow"] * number


@pytest.mark.falmock
class TestSequences:
    @pytest.mark.parametrize("name", ["a b", "c::d", "é/%", "x" * 300])
    def test_each_test_has_its_own(self, name: str) -> None:
        assert name
        answers = [CLIENT.post("https://fal.run/test/turns", json={}).json() for _ in range(2)]
        assert answers == [{"turn": 1}, {"turn": 2}]


@pytest.mark.falmock
class OldStyle(unittest.TestCase):
    def test_a_class_of_unittest(self) -> None:
        assert fal_client.run("test/pets", arguments=CAT) == {"says": "meow"}


@pytest.mark.falmock
@pytest.mark.parametrize("number", [1, 2])
def test_async_clients(number: int) -> None:
    async def calls() -> list[object]:
        return [await fal_client.run_async("test/pets", arguments=CAT) for _ in range(number)]

    assert asyncio.run(calls()) == [{"says": "meow"}] * number


def test_jobs_move_by_hand(falmock: Falmock) -> None:
    falmock.set_pace("manual")
    handle = fal_client.submit("test/pets", arguments=CAT)
    assert isinstance(handle.status(), fal_client.Queued)
    assert [job.status for job in falmock.advance()] == ["IN_PROGRESS"]
    assert isinstance(handle.status(), fal_client.InProgress)
    (job,) = falmock.complete()
    assert (job.request_id, job.endpoint) == (handle.request_id, "test/pets")
    assert handle.get() == {"says": "meow"}
    assert falmock.advance() == []


@pytest.mark.falmock(pace="manual")
def test_the_pace_of_a_mark(falmock: Falmock) -> None:
    handle = fal_client.submit("test/pets", arguments=CAT)
    assert isinstance(handle.status(), fal_client.Queued)
    falmock.jobs[0].fail("content_policy_violation")
    with pytest.raises(fal_client.FalClientHTTPError, match="content"):
        handle.get()


def test_the_pace_is_instant_again() -> None:
    assert fal_client.subscribe("test/pets", arguments=CAT) == {"says": "meow"}


@pytest.mark.falmock(faults={"match": {"model": "test/*"}, "fault": {"error": "runner_disconnected", "times": 1}})
def test_faults() -> None:
    assert [call(CAT).status_code for _ in range(2)] == [503, 200]


@pytest.mark.falmock(faults="faults.json")
def test_faults_of_a_file(falmock: Falmock) -> None:
    assert call(CAT).status_code == 500
    falmock.set_faults()
    assert call(CAT).status_code == 200


@pytest.mark.falmock(fixtures="own")
def test_fixtures_of_its_own() -> None:
    assert fal_client.run("test/pets", arguments=CAT) == {"says": "purr"}


def test_they_are_of_that_test() -> None:
    assert fal_client.run("test/pets", arguments=CAT) == {"says": "meow"}


def test_added_fixtures(falmock: Falmock, tmp_path: Path) -> None:
    sound = tmp_path / "dog.wav"
    sound.write_bytes(b"RIFF....WAVE")
    falmock.add_run("test/added", {"n": 1}, prompt="one")
    falmock.add_error("test/added", "content_policy_violation", input={"bad": True})
    falmock.add_image("test/picture", size=(3, 2), seed=7)
    falmock.add_audio("test/sound", sound)
    falmock.add_video("test/film", "https://example.com/film.mp4")
    (added,) = falmock.add({"match": {"model": "test/text"}, "response": {"text": "hello"}})
    assert added.startswith("added/")
    assert fal_client.run("test/added", arguments={"prompt": "one and two"}) == {"n": 1}
    with pytest.raises(fal_client.FalClientHTTPError):
        fal_client.run("test/added", arguments={"bad": True})
    (image,) = fal_client.subscribe("test/picture", arguments={})["images"]
    assert (image["width"], image["height"], image["content_type"]) == (3, 2, "image/png")
    assert httpx.get(image["url"]).content.startswith(b"\x89PNG")
    audio = fal_client.run("test/sound", arguments={})["audio"]
    assert (audio["file_name"], audio["file_size"]) == ("dog.wav", 12)
    assert httpx.get(audio["url"]).content == sound.read_bytes()
    assert fal_client.run("test/film", arguments={})["video"]["url"] == "https://example.com/film.mp4"


def test_what_is_no_fixture(falmock: Falmock) -> None:
    with pytest.raises(FalmockError, match=r"no fixtures(?s:.*)\$\.fixtures\[0\]"):
        falmock.add({"match": {"modle": "test/x"}, "response": {"json": 1}})


def test_verification_and_journal(falmock: Falmock) -> None:
    call(CAT)
    fal_client.subscribe("test/pets", arguments=CAT)
    falmock.verify("test/pets", times=2, input={"prompt": {"$contains": "cat"}})
    falmock.verify(calls=[{"call": "run"}, {"call": "submit"}], in_order=True, nothing_unmatched=True)
    assert [each["call"] for each in falmock.journal][:2] == ["run", "submit"]
    assert [each["endpoint"] for each in falmock.calls(call="submit")] == ["test/pets"]
    with pytest.raises(AssertionError, match="expected 3 of any call"):
        falmock.verify("test/pets", times=3)
    with pytest.raises(FalmockError, match="Nothing is expected"):
        falmock.verify()


CODE = "import fal_client; print(fal_client.run('test/pets', arguments={'prompt': 'a cat'})['says'])"


@pytest.mark.parametrize("own", [False, True])
def test_subprocesses(falmock: Falmock, *, own: bool) -> None:
    env = {"PATH": os.environ["PATH"], **falmock.environment} if own else None
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("meow\n", "")
    falmock.verify("test/pets", times=1)


def test_calls_of_falmock_itself(falmock: Falmock) -> None:
    assert httpx.get(f"{falmock.openai_base_url}/models", headers=falmock.headers).status_code == 200
    assert [each["door"] for each in falmock.journal] == ["openai"]


@pytest.mark.falmock(allow_misses=True)
def test_a_miss_that_the_mark_allows() -> None:
    assert call(DOG).status_code == 404


def test_a_miss_that_the_test_allows(falmock: Falmock) -> None:
    falmock.allow_misses()
    assert call(DOG).status_code == 404
    assert len(falmock.misses) == 1


@pytest.mark.falmock
@pytest.mark.xfail(strict=True)
def test_a_miss_that_is_expected_to_fail() -> None:
    call(DOG)


@pytest.mark.falmock
def test_is_skipped_after_a_miss() -> None:
    call(DOG)
    pytest.skip("after a miss")


@pytest.mark.falmock
def test_fails_for_a_miss() -> None:
    call(DOG)


@pytest.mark.falmock
def test_fails_by_itself_after_a_miss() -> None:
    assert call(DOG).status_code == 200


@pytest.mark.falmock
def test_fails_without_a_call() -> None:
    raise AssertionError


@pytest.fixture
def late(falmock: Falmock) -> Iterator[str]:
    yield falmock.scope
    call(DOG)


def test_passes_and_is_an_error_for_a_miss_at_its_end(late: str) -> None:
    assert late


@pytest.mark.falmock(fixtures="nowhere")
def test_is_an_error_without_its_fixtures() -> None:
    raise AssertionError


@pytest.mark.falmock(fixtrues="own")
def test_is_an_error_for_an_unknown_argument() -> None:
    raise AssertionError
