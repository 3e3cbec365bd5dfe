"""Imports captures: reads the file or the folder of mitmproxy's `-r` into a recording.

mitmproxy's own reader of HARs rejects the whole file if one entry is not as a browser writes it (a body without text,
truncated base64), and answers a broken file with a traceback. Flow files are read with its FlowReader.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import ctx
from mitmproxy import exceptions
from mitmproxy import flowfilter

from falmock.proxy.record import capture_files
from falmock.proxy.record import captures
from falmock.proxy.record.capture_files import CaptureReader
from falmock.proxy.record.progress import Progress
from falmock.proxy.record.session import RecordingSession
from falmock.recording.captures.capture import BETWEEN
from falmock.recording.captures.capture import NotACapture

logger = logging.getLogger(__name__)


def sources() -> list[str]:
    """The files and folders that mitmproxy is asked to read; none for the standard input."""
    given: str | None = ctx.options.rfile
    return [] if given in (None, "", "-") else str(given).split(BETWEEN)


def only_imported() -> str:
    """What a mitmproxy that takes no calls (`-n`) is asked to read, for messages; "" for any other."""
    return "" if ctx.options.server else ", ".join((ctx.options.rfile or "").split(BETWEEN))


class CaptureImport:
    """One import, from its files and folders into a recording; `failed` is how many files could not be read."""

    def __init__(self, recording: RecordingSession, paths: Sequence[str]) -> None:
        self._recording = recording
        self._named = ", ".join(paths)
        self._roots = [(root := Path(path).expanduser(), path, root.is_dir()) for path in paths]
        self._reader = CaptureReader()
        self._progress = Progress()
        self._read = 0
        self.failed = 0

    async def run(self) -> None:
        """Read everything. What cannot be read is logged, and the rest is used."""
        found: list[tuple[Path, str]] = []
        for root, label, is_folder in self._roots:
            found += await self._captures_in(root, label) if is_folder else [(root, label)]
        found.sort(
            key=lambda each: not capture_files.is_har(each[0])
        )  # they name files beside them, which are no captures
        for file, label in found:
            if file.resolve() not in self._reader.attached:
                await self._import(file, label, len(found))
        if len(self._roots) > 1 or self._roots[0][2]:
            logger.info("falmock: read %d of %d captures in %s", self._read, self._read + self.failed, self._named)

    async def _captures_in(self, folder: Path, label: str) -> list[tuple[Path, str]]:
        """The captures in a folder, each with its name in messages."""
        found = await asyncio.to_thread(capture_files.find, folder)
        for problem in found.problems:
            self._fail(problem)
        if not found.captures and not found.problems:
            suffixes = ", ".join(capture_files.SUFFIXES)
            self._fail(f"{label}: expected a folder with captures ({suffixes}), found {found.others} other files")
        return [(file, str(file)) for file in found.captures]

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
