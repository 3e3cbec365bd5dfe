"""The line that says that falmock is ready."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

import falmock
from falmock.serving import ready


def announced(host: str, port: int, confdir: Path) -> dict[str, object]:
    reading, writing = os.pipe()
    environ = {ready.DESCRIPTOR: str(writing)}
    ready.announce(host, port, confdir, environ)
    assert environ == {}
    # It ends: the other end was closed.
    with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
        line: dict[str, object] = json.loads(pipe.read())
    return line


def test_the_line(tmp_path: Path) -> None:
    line = announced("127.0.0.1", 80, tmp_path)
    assert (line["falmock"], line["control"], line["pid"]) == (falmock.__version__, ready.CONTROL, os.getpid())
    assert line["url"] == "http://127.0.0.1:80"
    environment, proxied = line["environment"], line["proxied"]
    assert isinstance(environment, dict)
    assert isinstance(proxied, list)
    assert {environment[name] for name in proxied} == {line["url"]}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:7"),
        ("::", "http://127.0.0.1:7"),
        ("::1", "http://[::1]:7"),
        ("10.0.0.1", "http://10.0.0.1:7"),
    ],
)
def test_its_url_can_be_called(tmp_path: Path, host: str, url: str) -> None:
    assert announced(host, 7, tmp_path)["url"] == url


def test_nobody_waits(tmp_path: Path) -> None:
    ready.announce("127.0.0.1", 80, tmp_path, {})


@pytest.mark.parametrize("descriptor", ["x", "999999", ""])
def test_a_pipe_that_is_none(tmp_path: Path, descriptor: str, caplog: pytest.LogCaptureFixture) -> None:
    ready.announce("127.0.0.1", 80, tmp_path, {ready.DESCRIPTOR: descriptor})
    assert ("nobody can be told" in caplog.text) == bool(descriptor)


def test_it_ends_with_its_starter() -> None:
    ended = threading.Event()
    reading, writing = os.pipe()
    environ = {ready.STARTER: str(reading)}
    ready.end_with_starter(environ, ended.set)
    assert environ == {}
    os.write(writing, b"still there")
    assert not ended.wait(0.05)
    os.close(writing)
    assert ended.wait(10)


def test_it_has_no_starter() -> None:
    before = threading.active_count()
    ready.end_with_starter({})
    assert threading.active_count() == before


@pytest.mark.parametrize("descriptor", ["x", "999999"])
def test_a_starter_that_is_no_pipe(descriptor: str, caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()
    ready.end_with_starter({ready.STARTER: descriptor}, ended.set)
    for thread in threading.enumerate():
        if thread.name == "falmock-starter":
            thread.join(10)
    assert "does not end with what started it" in caplog.text
    assert not ended.is_set()
