"""Calls falmock's control API."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from http.client import HTTPException
from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode
from urllib.parse import urlsplit

from pytest_falmock.errors import FalmockError

PREFIX = "/__falmock"
VERSION = 1
"""The version of the control API that this package speaks."""
_SECONDS = 60


class Control:
    """The control API of the falmock at a URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self.url = url

    def ask(self, method: str, path: str, body: Any = None, **query: str | float | bool) -> Any:
        """The JSON of an answer. Raises FalmockError if that is an error."""
        status, value = self.answer(method, path, body, **query)
        if status >= 400:
            raise FalmockError(_message(method, path, status, value))
        return value

    def answer(self, method: str, path: str, body: Any = None, **query: str | float | bool) -> tuple[int, Any]:
        """The status of an answer, and its JSON. Raises FalmockError if there is none."""
        target = f"{PREFIX}{path}"
        if query:
            target += "?" + urlencode({name: _text(value) for name, value in query.items()})
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        connection = HTTPConnection(self._host, self._port, timeout=_SECONDS)
        try:
            connection.request(method, target, content, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise FalmockError(f"falmock does not answer at {self.url} ({error!r}): has it ended?") from error
        finally:
            connection.close()


def segment(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")


def _text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _message(method: str, path: str, status: int, value: Any) -> str:
    told = value if isinstance(value, dict) else {}
    lines = [str(told.get("message") or f"{method} {path}: falmock answered {status}")]
    lines += [f"  {problem['path'] or '$'}: {problem['message']}" for problem in told.get("problems", ())]
    return "\n".join(lines)
