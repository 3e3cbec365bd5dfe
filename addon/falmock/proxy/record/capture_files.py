"""Finds and reads capture files: HARs, the files beside them, zipped HARs, and cassettes."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from typing import NamedTuple

from mitmproxy import flow
from mitmproxy import http
from mitmproxy import io
from mitmproxy.exceptions import FlowReadException

from falmock.recording.captures import formats
from falmock.recording.captures.capture import LATEST
from falmock.recording.captures.capture import Attached
from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import NotACapture
from falmock.recording.captures.capture import NotAttached

SUFFIXES = (".har", ".zip", ".json", ".yaml", ".yml", ".flow", ".flows", ".mitm")
"""The names of captures in a folder."""
MAX_FILE = 512 * 1024 * 1024
"""The largest file in a zip (bytes)."""
_FLOWS = re.compile(rb"\d{1,12}:")
"""How a file of mitmproxy's begins: a tnetstring."""
_ZIP = b"PK\x03\x04"


class Found(NamedTuple):
    """The captures in a folder, and how many other files are there; `problems` are the folders that cannot be read."""

    captures: list[Path]
    others: int
    problems: list[str]


def find(folder: Path) -> Found:
    """The captures below a folder, by path."""
    problems: list[str] = []
    captures: list[Path] = []
    others = 0
    walk = os.walk(folder, onerror=lambda error: problems.append(f"{error.filename}: cannot be read: {error.strerror}"))
    for where, folders, names in walk:
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                captures.append(Path(where, name))
            else:
                others += 1
    return Found(sorted(captures), others, problems)


def is_har(path: Path) -> bool:
    """Whether a file is a HAR by its name."""
    return path.name.lower().endswith((".har", ".har.zip"))


def is_flow_file(path: Path) -> bool:
    """Whether a file is one of mitmproxy's. Raises OSError, NotACapture for what is no file."""
    if not path.exists():
        raise FileNotFoundError(2, os.strerror(2), str(path))
    if not path.is_file():  # reading a pipe would block
        raise NotACapture("expected a file, found a pipe, a socket or a device")
    with path.open("rb") as opened:
        return _FLOWS.match(opened.read(16)) is not None


def flows_in(opened: BinaryIO) -> Iterator[flow.Flow]:
    """The flows of a flow file. Raises OSError, FlowReadException."""
    try:
        for found in io.FlowReader(opened).stream():
            _check(found)
            yield found
    except (OSError, FlowReadException):
        raise
    except Exception as error:  # the reader relies on the types of what it finds
        raise FlowReadException(f"{type(error).__name__}: {error}") from error


def _check(found: flow.Flow) -> None:
    """Look at what the reader takes as it is. Raises TypeError, ValueError."""
    if not isinstance(found.metadata, dict):
        raise TypeError(f"expected metadata of a flow as an object, found {type(found.metadata).__name__}")
    if not isinstance(found, http.HTTPFlow):
        return
    times = [found.request.timestamp_start, found.request.timestamp_end]
    if found.response is not None:
        times += [found.response.timestamp_start, found.response.timestamp_end]
    for message in found.websocket.messages if found.websocket else ():
        if not isinstance(message.content, bytes):
            raise TypeError(f"expected bytes as a message, found {type(message.content).__name__}")
        times.append(message.timestamp)
    for at in times:
        if at is not None and not 0 <= at < LATEST:
            raise ValueError(f"the time {at} is out of range")


class CaptureReader:
    """Reads captures one by one. `attached` holds the files that HARs named so far."""

    def __init__(self) -> None:
        self.attached: set[Path] = set()

    def read(self, path: Path) -> Iterator[Entry]:
        """The entries of a capture that is no flow file; each is read when it is asked for. Raises OSError, NotACapture."""
        raw = path.read_bytes()
        return self._zipped(path) if raw.startswith(_ZIP) else formats.read(raw, self._beside(path))

    def _beside(self, path: Path) -> Attached:
        folder = path.parent.resolve()

        def read(name: str) -> bytes:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder):
                raise NotAttached(f"the HAR names {name[:200]!r}, which is not below its folder")
            try:
                content = file.read_bytes()
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise NotAttached(f"the HAR names the file {name[:200]!r}, which cannot be read: {why}") from None
            self.attached.add(file)
            return content

        return read

    def _zipped(self, path: Path) -> Iterator[Entry]:
        try:
            whole = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise NotACapture(f"expected a zip with a HAR, found a zip that cannot be read: {error}") from None
        hars = [name for name in whole.namelist() if name.lower().endswith(".har")]
        if len(hars) != 1:
            raise NotACapture(f"expected a zip with one HAR, found {len(hars)} in it")

        def read(name: str) -> bytes:
            try:
                if whole.getinfo(name).file_size > MAX_FILE:
                    raise NotAttached(f"{name[:200]!r} in the zip is larger than {MAX_FILE >> 20} MiB")
                return whole.read(name)
            except KeyError:
                raise NotAttached(f"the HAR names the file {name[:200]!r}, which is not in the zip") from None
            except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError) as error:
                raise NotAttached(f"{name[:200]!r} in the zip cannot be read: {error}") from None

        try:
            raw = read(hars[0])
        except NotAttached as error:
            raise NotACapture(f"expected a zip with a HAR: {error}") from None
        return formats.read(raw, read)
