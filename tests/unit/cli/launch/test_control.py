"""Calls to the control API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer

import pytest

from falmock.cli.launch import control
from falmock.cli.launch.control import NoAnswer


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that answers so, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        thread.join()


def test_an_answer() -> None:
    with answering(200, b'{"a": 1}') as (url, asked):
        assert control.call(url, "GET", "/report?since=1", "token") == {"a": 1}
    assert asked == ["/__falmock/report?since=1 Bearer token"]


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (403, b'{"message": "no token"}', "was answered with 403: no token"),
        (404, b"[1]", r"was answered with 404: \[1\]"),
        (200, b"<html>", "was not answered: Expecting value"),
    ],
)
def test_another_answer(status: int, body: bytes, text: str) -> None:
    with answering(status, body) as (url, _), pytest.raises(NoAnswer, match=text):
        control.call(url, "GET", "/report")


def test_nobody_there() -> None:
    with pytest.raises(NoAnswer, match=r"was not answered: .*refused"):
        control.call("http://127.0.0.1:1", "GET", "/report")
