"""Uploads whose bytes a capture lacks: their start is recorded so that replay takes the bytes that the app uploads."""

from __future__ import annotations

import re
from typing import Any

from falmock.fixtures.matching.match import REGEX
from falmock.recording.exchange import Exchange
from falmock.recording.files import FileUrls
from falmock.wire.formats import jsontext

_TIME_AS_NAME = re.compile(r"[0-9]{13}\.[\w.+-]+")


def start(started: Exchange, files: FileUrls) -> Exchange:
    """The start of an upload as it is recorded: its content goes to a host of fal's, else it would leave in replay."""
    request = started.request
    if jsontext.object_of(request.body) is not None:  # whatever type the source of the capture says
        typed = {**request.headers, "content-type": "application/json"}
        started = started._replace(request=request._replace(headers=typed))
    answer = jsontext.object_of(started.body, exact=True) or {}
    upload_url, file_url = answer.get("upload_url"), answer.get("file_url")
    if isinstance(upload_url, str) and not files.is_file_url(upload_url):
        return started._replace(body=jsontext.dump_exact({**answer, "upload_url": file_url}, indent=None).encode())
    return started


def accept_any_time(announced: dict[str, Any]) -> None:
    """Replace the name that the JavaScript client gives a file without one, its time (PROTOCOL.md section 6.1)."""
    name = announced.get("file_name")
    if isinstance(name, str) and _TIME_AS_NAME.fullmatch(name):
        announced["file_name"] = {REGEX: f"^[0-9]{{13}}{re.escape(name[13:])}$"}
