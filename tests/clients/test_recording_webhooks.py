"""Jobs with webhooks are recorded, and send the same webhooks without the real service."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clients import running
from clients import tape
from clients import webhook_verifier
from clients.receiver import Delivered
from clients.receiver import receiver
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import free_ports
from clients.running import mitmdump
from clients.upstream import Upstream
from clients.upstream import recording

App = Callable[..., Any]
PROGRAMS = CLIENTS / "programs"


def told(delivered: Delivered) -> Any:
    return tape.plain(json.loads(delivered.body))


@pytest.mark.parametrize("app", ["test/image", "test/fail"])
def test_a_job_whose_webhook_passes_through(confdir: Path, tmp_path: Path, fal: Upstream, app: str) -> None:
    """Through mitmproxy in front of the app; nobody ever polls."""
    order = {"app": app, "arguments": {"prompt": "called back"}}
    with receiver() as server:
        (in_front,) = free_ports(1)
        modes = ("--mode", "regular", "--mode", f"reverse:{server.base}@{in_front}")
        hook = server.hook(503, 200)
        url = hook.url.replace(server.base, f"http://127.0.0.1:{in_front}")
        with recording(confdir, fal, tmp_path, *modes) as mock, _python_sync(mock) as act:
            act("order", webhook=url, **order)
            recorded = hook.wait(2)[0]
            mock.wait_for("recorded job")
        assert len(fal.webhooks.attempts) == 2
        again = server.hook()
        with mitmdump(confdir, fixtures=tmp_path) as mock, _python_sync(mock) as act:
            act("order", webhook=again.url, **order)
            (replayed,) = again.wait(1)
    assert told(replayed) == told(recorded)
    (entry,) = tape.entries(tmp_path)
    assert entry["response"].get("status", 200) == (200 if app == "test/image" else 422)


def test_the_stand_in_signs_what_it_delivers(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with receiver() as server, recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        hook = server.hook()
        url = tape.submit(app, "test/echo", {}, params={"fal_webhook": hook.url})
        (post,) = hook.wait(1)
        for host in ("rest.fal.ai", "rest.alpha.fal.ai"):
            keys = app.get(f"https://{host}/.well-known/jwks.json").json()
            webhook_verifier.verify(post.headers, post.body, keys, post.at)
        assert tape.documents(tmp_path) == {}
        app.get(url)
        mock.wait_for("recorded job")
    assert len(tape.entries(tmp_path)) == 1


def test_a_job_that_nobody_fetched_tells_how(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with receiver() as server, recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        hook = server.hook()
        tape.submit(app, "test/echo", {}, params={"fal_webhook": hook.url})
        hook.wait(1)
    assert "its result was never fetched; it is recorded when its result is fetched" in mock.output
    assert tape.documents(tmp_path) == {}


@contextmanager
def _python_sync(mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / "python_sync.py", mock) as app:
        yield app
