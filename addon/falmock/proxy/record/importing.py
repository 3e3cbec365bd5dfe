"""Imports captures: reads the file or the folder of mitmproxy's `-r` into a recording.

mitmproxy's own reader of HARs rejects the whole file if one entry is not as a browser writes it (a body without text,
truncated base64), and answers a broken file with a traceback. Flow files are read with its FlowReader.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from mitmproxy import ctx
from mitmproxy import exceptions
from mitmproxy import flowfilter

from falmock.proxy.record import capture_files
from falmock.proxy.record import captures
from falmock.proxy.record.capture_files import CaptureReader
from falmock.proxy.record.progress import Progress
from falmock.proxy.record.session import RecordingSession
from falmock.recording.captures.capture import NotACapture

logger = logging.getLogger(__name__)


def source() -> str | None:
    """The file or folder that mitmproxy is asked to read; None for none, and for the standard input."""
    path: str | None = ctx.options.rfile
    return None if path in (None, "", "-") else path


def only_imported() -> str:
    """What a mitmproxy that takes no calls (`-n`) is asked to read; "" for any other."""
    return "" if ctx.options.server else ctx.options.rfile or ""


class CaptureImport:
    """One import, from its file or folder into a recording; `failed` is how many files could not be read."""

    def __init__(self, recording: RecordingSession, path: str) -> None:
        self._recording = recording
        self._path = path
        self._root = Path(path).expanduser()
        self._is_folder = self._root.is_dir()
        self._reader = CaptureReader()
        self._progress = Progress()
        self._read = 0
        self.failed = 0

    async def run(self) -> None:
        """Read everything. What cannot be read is logged, and the rest is used."""
        if not self._is_folder:
            await self._import(self._root, self._path, 1)
            return
        found = await asyncio.to_thread(capture_files.find, self._root)
        for problem in found.problems:
            self._fail(problem)
        if not found.captures and not found.problems:
            suffixes = ", ".join(capture_files.SUFFIXES)
            self._fail(f"{self._path}: expected a folder with captures ({suffixes}), found {found.others} other files")
        for file in found.captures:
            if file.resolve() not in self._reader.attached:
                await self._import(file, str(file), len(found.captures))
        logger.info("falmock: read %d of %d captures in %s", self._read, self._read + self.failed, self._path)

    async def _import(self, path: Path, label: str, count: int) -> None:
        try:
            if capture_files.is_flow_file(path):
                await self._import_flows(path)
            else:
                await self._import_entries(path, label, count)
        except OSError as error:
            self._fail(f"{label} cannot be read: {error.strerror or error}")
        except exceptions.FlowReadException as error:
            self._fail(f"{label} cannot be read to its end: expected a flow file of mitmproxy, found: {error}")
        except NotACapture as error:
            self._fail(f"{label} cannot be imported: {error}")
        else:
            self._read += 1
        await self._recording.settle()  # what was read is not kept in memory

    async def _import_entries(self, path: Path, label: str, count: int) -> None:
        for entry in await asyncio.to_thread(self._reader.read, path):
            captures.take_entry(self._recording, entry, label)
            await self._step(f"{self._read} of {count} captures" if count > 1 else label)

    async def _import_flows(self, path: Path) -> None:
        only = ctx.options.readfile_filter
        holds = flowfilter.parse(only) if only else None
        with path.open("rb") as opened:
            for flow in capture_files.flows_in(opened):
                if holds is None or holds(flow):
                    await ctx.master.load_flow(flow)
                await self._step(str(path))

    async def _step(self, what: str) -> None:
        calls = self._recording.tally.seen
        self._progress.step(lambda: f"importing {what}, {calls} calls to fal so far")
        await asyncio.sleep(0)  # for the writing, and for whoever ends this

    def _fail(self, text: str) -> None:
        self.failed += 1
        logger.warning("falmock: %s", self._recording.recorder.redactor.text(text))
