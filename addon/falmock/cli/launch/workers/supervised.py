"""`falmock serve` with several workers, from its command line to its exit code."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from falmock.cli import terminal
from falmock.cli.launch.workers import store_server
from falmock.cli.launch.workers.store_server import NoStore
from falmock.cli.launch.workers.store_server import StoreServer
from falmock.cli.launch.workers.supervisor import FAILED
from falmock.cli.launch.workers.supervisor import Supervisor
from falmock.engine.config import MEMORY
from falmock.engine.config import Config
from falmock.redaction.redactor import Redactor


def run(words: Sequence[str], arguments: argparse.Namespace, config: Config, confdir: Path) -> int:
    """Serve until a signal comes; returns the exit code."""
    try:
        store = StoreServer(store_server.program()) if config.store == MEMORY else None
    except NoStore as error:
        print(f"falmock: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    redactor = Redactor()
    handler = terminal.log_to_stdout(lambda: redactor)
    try:
        return asyncio.run(_run(words, arguments, config, confdir, store))
    finally:
        logging.getLogger().removeHandler(handler)


async def _run(
    words: Sequence[str], arguments: argparse.Namespace, config: Config, confdir: Path, store: StoreServer | None
) -> int:
    return await Supervisor(words, arguments, config, confdir, store).run()
