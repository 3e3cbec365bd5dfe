"""Starts and stops recordings as the configuration changes."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import ctx
from mitmproxy import http

from falmock.app import App
from falmock.engine.config import Config
from falmock.fixtures.model import Fixture
from falmock.proxy import addon_chain
from falmock.proxy.options import BadOption
from falmock.proxy.record import importing
from falmock.proxy.record.importing import CaptureImport
from falmock.proxy.record.session import RecordingSession
from falmock.proxy.record.session import join
from falmock.recording.disk import recovery
from falmock.recording.disk.folder import LOGS
from falmock.recording.disk.writer import Writer

logger = logging.getLogger(__name__)


def prepare(root: str) -> None:
    """Check that recordings can be written to this folder, and write what killed recorders left. Raises BadOption."""
    folder = Path(root).expanduser()
    if folder.exists() and not folder.is_dir():
        raise BadOption(f"fal_fixtures: recordings go to the first one, which must be a folder; {root} is a file")
    try:
        recovered = recovery.prepare(root)
    except OSError as error:
        raise BadOption(f"fal_fixtures: {recovery.text_of(error)}") from None
    if recovered.answers:
        logger.info(
            "falmock: %d answers that killed recorders had not written yet are in %s now", recovered.answers, root
        )
    for problem in recovered.problems:
        logger.warning("falmock: %s", problem)


def unwritten(paths: Sequence[str]) -> Iterator[str]:
    """What to say at a start that does not record about answers that killed recorders left."""
    for path in paths:
        count = recovery.waiting(path)
        if count:
            yield (
                f"{count} answers of a recorder that was killed are not in the fixtures yet, but in {path.rstrip('/')}/{LOGS}: "
                "start once with fal_mode=record, and they are written"
            )


class Recordings:
    """The recording under way, if there is one."""

    def __init__(self, app: App) -> None:
        self.current: RecordingSession | None = None
        self._app = app
        self._config: Config | None = None
        self._importing: asyncio.Task[None] | None = None
        self._has_imported = False

    def use(self, config: Config, root: str, known: Sequence[Fixture]) -> None:
        """Start or stop recording as this configuration says; `known` are the loaded fixtures."""
        before, self._config = self._config, config
        if before is not None and _settings(before) == _settings(config):
            return
        self.stop()
        if config.mode.records:
            self.current = self._start(config, Writer(root, known))
            addon_chain.exit_work().use("recording", self._finish)

    def _start(self, config: Config, writer: Writer) -> RecordingSession:
        return RecordingSession(
            self._app.recorder(config, join),
            writer,
            assets=config.record_assets,
            has_schema=self._has_schema if config.record_schemas else None,
            at_once=config.mode.answers,
            learned=self._app.learned,
            wrote=self._app.fixtures.poke,
        )

    def _has_schema(self, endpoint: str) -> bool:
        return self._app.fixtures.loaded.index.documents.find(endpoint) is not None

    def stop(self) -> None:
        """End the recording now: files that are not fetched yet stay as URLs."""
        addon_chain.exit_work().use("recording", None)
        self._stop_import()
        ended, self.current = self.current, None
        if ended is not None:
            ended.close()

    def expects(self, flow: http.HTTPFlow) -> bool:
        """Whether a request to a host that is not fal's is part of what is recorded."""
        return self.current is not None and self.current.expects(flow)

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is a request of the recording's own, which goes to fal as it is."""
        return self.current is not None and self.current.is_own(flow)

    def import_captures(self) -> None:
        """If mitmproxy is asked to read captures while recording, read them in its place; then mitmdump ends."""
        paths = [] if self.current is None else importing.sources()
        if self.current is not None and paths:
            ctx.options.update(rfile=None)
            self._importing = asyncio.get_running_loop().create_task(self._import(CaptureImport(self.current, paths)))

    async def _import(self, work: CaptureImport) -> None:
        failed = True
        try:
            await work.run()
            failed = work.failed > 0
        except Exception:  # nobody waits for this task
            logger.exception("falmock: the import failed")
        if getattr(ctx.options, "keepserving", True):  # interactive tools do not have the option
            return
        self._has_imported = True
        if failed:
            await self._finish()
            _exit_with_failure()
        else:
            ctx.master.shutdown()

    def _stop_import(self) -> None:
        task, self._importing = self._importing, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _finish(self) -> None:
        self._stop_import()
        if self.current is not None:
            await self.current.finish()
            unwritten, self.current = (
                self.current.tally.unwritten,
                None,
            )  # told at the end only: it is tried again till then
            if unwritten and self._has_imported:
                _exit_with_failure()


def _exit_with_failure() -> None:
    asyncio.get_running_loop().call_soon(sys.exit, 1)


def _settings(config: Config) -> tuple[object, ...]:
    """The settings that a recording depends on: if one changes, it ends and another begins."""
    return (
        config.mode,
        config.fixtures,
        config.record_errors,
        config.record_assets,
        config.record_schemas,
        config.ignore,
        config.redact,
        config.hosts.extra,
    )
