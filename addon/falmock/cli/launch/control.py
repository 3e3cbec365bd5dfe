"""Calls the control API of a falmock on this machine."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 30.0


class NoAnswer(Exception):
    """falmock did not answer, or not as expected; the text says how."""


def call(url: str, method: str, path: str, token: str = "", seconds: float = _SECONDS) -> Any:
    """The JSON that falmock at this URL answers with; `path` is below `/__falmock`. Raises NoAnswer."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request(method, f"/__falmock{path}", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        text = answer.read()
        value = json.loads(text)
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswer(f"{method} {url}/__falmock{path} was not answered: {error}") from None
    finally:
        connection.close()
    if answer.status >= 300:
        why = value.get("message") if isinstance(value, dict) else value
        raise NoAnswer(f"{method} {url}/__falmock{path} was answered with {answer.status}: {why}")
    return value
