"""Builds recordings from a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from falmock.engine.config import Config
from falmock.engine.engine import Engine
from falmock.proxy.options import BadOption
from falmock.proxy.recording import Recording
from falmock.proxy.recording import join
from falmock.recording import disk
from falmock.recording.recorder import Recorder
from falmock.recording.uploads import File
from falmock.recording.writer import Writer


def prepare(root: str) -> None:
    """Make sure that recordings can be kept in this folder. Raises BadOption."""
    folder = Path(root).expanduser()
    if folder.exists() and not folder.is_dir():
        raise BadOption(f"fal_fixtures: recordings go to the first one, which must be a folder; {root} is a file")
    try:
        disk.check_writable(folder)
    except disk.NotWritable as error:
        raise BadOption(f"fal_fixtures: {error}") from None


def same(before: Config, now: Config) -> bool:
    """Whether a recording can go on under another configuration."""
    return before.mode is now.mode and _what_counts(before) == _what_counts(now)


def _what_counts(config: Config) -> tuple[object, ...]:
    return config.fixtures, config.record_errors, config.record_assets, config.ignore, config.redact, config.hosts.extra


def recorder(config: Config, engine: Engine) -> Recorder:
    """A recorder as the configuration asks for."""
    return Recorder(
        config.hosts,
        engine.redactor,
        config.ignore,
        join,
        max_jobs=config.max_jobs,
        errors=config.record_errors,
    )


def recording(config: Config, engine: Engine, writer: Writer, wrote: Callable[[], None]) -> Recording:
    """A recording to `writer`; what it learns of files helps the engine to match."""
    writer.prepare()

    def learned(file: File) -> None:
        engine.scope.assets.note(urlsplit(file.url).path, file.sha256, file.content_type)

    return Recording(recorder(config, engine), writer, assets=config.record_assets, learned=learned, wrote=wrote)
