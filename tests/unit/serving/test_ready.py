"""The line that says that falmock is ready."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

import falmock
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.serving import ready
from falmock.serving import starter
from falmock.serving.trust import CA_FILE

CONFIG = Config()


@pytest.fixture(autouse=True)
def ca(tmp_path: Path) -> Path:
    """The certificate of the CA."""
    path = tmp_path / CA_FILE
    path.write_text("-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n")
    return path


def announced(host: str, port: int, confdir: Path, config: Config = CONFIG) -> dict[str, object]:
    reading, writing = os.pipe()
    environ = {starter.READY: str(writing)}
    ready.announce(host, port, confdir, config, environ)
    assert environ == {}
    with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123 - it ends: the other end was closed
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
    assert environment["FAL_KEY"]
    assert line["warnings"] == []


def test_a_key_is_not_made_up_where_fal_is_called(tmp_path: Path) -> None:
    line = announced("127.0.0.1", 80, tmp_path, Config(mode=Mode.AUTO))
    assert "FAL_KEY" not in dict(line["environment"])  # type: ignore[call-overload]


def test_without_a_ca_the_pipe_ends(
    tmp_path: Path, ca: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And falmock too: whoever waits would wait for its end."""
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(ready.os, "kill", lambda *of: killed.append(of))
    ca.unlink()
    with pytest.raises(json.JSONDecodeError):
        announced("127.0.0.1", 80, tmp_path)
    assert CA_FILE in caplog.text
    assert killed == [(os.getpid(), signal.SIGTERM)]


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
    ready.announce("127.0.0.1", 80, tmp_path, CONFIG, {})


@pytest.mark.parametrize("descriptor", ["x", "999999", ""])
def test_a_pipe_that_is_none(tmp_path: Path, descriptor: str, caplog: pytest.LogCaptureFixture) -> None:
    ready.announce("127.0.0.1", 80, tmp_path, CONFIG, {starter.READY: descriptor})
    assert ("nobody can be told" in caplog.text) == bool(descriptor)


def test_it_ends_with_its_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(ready.os, "kill", lambda *of: (killed.append(of), ended.set()))
    ours, its = socket.socketpair()
    ready.announce("127.0.0.1", 80, tmp_path, CONFIG, {starter.READY: str(its.detach())})
    with ours, ours.makefile() as lines:
        assert json.loads(lines.readline())["url"] == "http://127.0.0.1:80"
        assert not ended.wait(0.1)
    ours.close()
    assert ended.wait(10)
    assert killed == [(os.getpid(), signal.SIGTERM)]
