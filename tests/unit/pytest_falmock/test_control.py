"""Calls of the control API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer

import pytest
from pytest_falmock.control import Control
from pytest_falmock.control import segment
from pytest_falmock.errors import FalmockError

ANSWERS = {
    "/__falmock/jobs?scope=a+b&miss=true&limit=3": (200, b'{"jobs": []}'),
    "/__falmock/bad": (
        400,
        b'{"message": "No.", "problems": [{"path": "", "message": "x"}, {"path": "$.a", "message": "y"}]}',
    ),
    "/__falmock/worse": (500, b"[]"),
    "/__falmock/html": (200, b"<html>"),
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        status, body = ANSWERS.get(self.path, (200, self.rfile.read(length)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Control(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_questions(control: Control) -> None:
    assert control.ask("GET", "/jobs", scope="a b", miss=True, limit=3) == {"jobs": []}
    assert control.ask("POST", "/fixtures", {"é": 1}) == {"é": 1}
    assert control.answer("GET", "/worse") == (500, [])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/bad", "No.\n  $: x\n  $.a: y"),
        ("/worse", "GET /worse: falmock answered 500"),
        ("/html", "does not answer at http://127.0.0.1:"),
    ],
)
def test_errors(control: Control, path: str, message: str) -> None:
    with pytest.raises(FalmockError) as error:
        control.ask("GET", path)
    assert message in str(error.value)


def test_nobody_is_there() -> None:
    with pytest.raises(FalmockError, match=r"does not answer at http://127\.0\.0\.1:9 .*has it ended"):
        Control("http://127.0.0.1:9").ask("GET", "/health")


def test_a_part_of_a_path() -> None:
    assert segment("a/b ?é") == "a%2Fb%20%3F%C3%A9"
