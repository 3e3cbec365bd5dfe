"""Starts and stops recordings as the configuration changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mitmproxy import http

from falmock.app import App
from falmock.engine.config import Config
from falmock.fixtures.model import Fixture
from falmock.proxy import addon_chain
from falmock.proxy.options import BadOption
from falmock.proxy.record.session import RecordingSession
from falmock.proxy.record.session import join
from falmock.recording.disk import atomic
from falmock.recording.disk.writer import Writer


def prepare(root: str) -> None:
    """Check that recordings can be written to this folder. Raises BadOption."""
    folder = Path(root).expanduser()
    if folder.exists() and not folder.is_dir():
        raise BadOption(f"fal_fixtures: recordings go to the first one, which must be a folder; {root} is a file")
    try:
        atomic.check_writable(folder)
    except atomic.NotWritable as error:
        raise BadOption(f"fal_fixtures: {error}") from None


class Recordings:
    """The recording under way, if there is one."""

    def __init__(self, app: App) -> None:
        self.current: RecordingSession | None = None
        self._app = app
        self._config: Config | None = None

    def use(self, config: Config, root: str, known: Sequence[Fixture]) -> None:
        """Start or stop recording as this configuration says; `known` are the loaded fixtures."""
        before, self._config = self._config, config
        if before is not None and _settings(before) == _settings(config):
            return
        self.stop()
        if config.mode.records:
            self.current = self._start(config, Writer(root, known))
            addon_chain.exit_work().work = self._finish

    def _start(self, config: Config, writer: Writer) -> RecordingSession:
        writer.prepare()
        return RecordingSession(
            self._app.recorder(config, join),
            writer,
            assets=config.record_assets,
            at_once=config.mode.answers,
            learned=self._app.learned,
            wrote=self._app.fixtures.poke,
        )

    def stop(self) -> None:
        """End the recording now: files that are not fetched yet stay as URLs."""
        addon_chain.exit_work().work = None
        ended, self.current = self.current, None
        if ended is not None:
            ended.close()

    def expects(self, flow: http.HTTPFlow) -> bool:
        """Whether a request to a host that is not fal's is part of what is recorded."""
        return self.current is not None and self.current.expects(flow)

    async def _finish(self) -> None:
        if self.current is not None:
            await self.current.finish()
            self.current = None


def _settings(config: Config) -> tuple[object, ...]:
    """The settings that a recording depends on: if one changes, it ends and another begins."""
    return (
        config.mode,
        config.fixtures,
        config.record_errors,
        config.record_assets,
        config.ignore,
        config.redact,
        config.hosts.extra,
    )
