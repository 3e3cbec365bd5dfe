"""The commands that falmock adds to mitmproxy: for its prompt, key bindings, mitmweb, and other addons."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence
from typing import NamedTuple
from typing import Protocol

from mitmproxy import exceptions
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy import types
from mitmproxy.addonmanager import Loader

from falmock.fixtures.disk.loader import FixtureErrors

logger = logging.getLogger(__name__)


class Scrubbed(NamedTuple):
    """The result of a scrub: the number of files read, and the paths of those rewritten because they held secrets."""

    files: int
    rewritten: tuple[str, ...]


class ScrubFiles(Protocol):
    """Takes the secrets out of fixture files."""

    def __call__(self, paths: Sequence[str]) -> Scrubbed:
        """Scrub these files and folders, or all of `fal_fixtures` for none. Raises OSError, FixtureErrors."""


class SaveFlows(Protocol):
    """Makes fixtures of flows."""

    def __call__(self, flows: Sequence[http.HTTPFlow], /) -> str:
        """Make fixtures of these flows; returns a summary. Raises OSError, ValueError, LookupError."""


class Keeper(Protocol):
    """Fetches the files that fixtures name: a recording."""

    def fetch_assets(self) -> Awaitable[int]:
        """Fetch the files that recorded answers name and that are not on disk; returns how many came."""


class Commands:
    """The commands; each calls a function that does the work.

    `reload` reads the fixtures again and returns a summary (it raises FixtureErrors). `scrub`, `save` and `keeper` return
    what does that work at the moment, None if nothing does.
    """

    name = "falmock-commands"

    def __init__(
        self,
        reload: Callable[[], str],
        scrub: Callable[[], ScrubFiles | None],
        save: Callable[[], SaveFlows | None],
        keeper: Callable[[], Keeper | None],
    ) -> None:
        self._reload = reload
        self._scrub = scrub
        self._save = save
        self._keeper = keeper
        self._fetching: asyncio.Task[None] | None = None

    def load(self, loader: Loader) -> None:
        """Declare the commands. mitmproxy reads their types off the annotations."""
        loader.add_command("falmock.reload", self.reload)
        loader.add_command("falmock.scrub", self.scrub)
        loader.add_command("falmock.save", self.save)
        loader.add_command("falmock.assets.fetch", self.fetch_assets)

    def reload(self) -> str:
        """Read the fixtures again now. If they cannot be loaded, the old ones stay in use."""
        try:
            return _logged(self._reload())
        except (FixtureErrors, OSError) as error:
            raise exceptions.CommandError(f"falmock.reload: the old fixtures stay in use. {error}") from None

    def scrub(self, *paths: types.Path) -> str:
        """Take secrets out of the fixtures that are on disk: those at these paths, or all of fal_fixtures for none."""
        scrub = self._scrub()
        if scrub is None:
            raise exceptions.CommandError("falmock.scrub: there are no fixtures: falmock is not configured")
        try:
            done = scrub(paths)
        except (FixtureErrors, OSError, ValueError) as error:
            raise exceptions.CommandError(f"falmock.scrub: {_text_of(error)}") from None
        for path in done.rewritten:
            logger.info("falmock: took secrets out of %s", path)
        return _logged(
            f"{len(done.rewritten)} of {_counted(done.files, 'fixture file')} held secrets and were rewritten"
        )

    def save(self, flows: Sequence[flows_.Flow]) -> str:
        """Make fixtures of these flows: of each that is a call to fal with its answer."""
        save = self._save()
        if save is None:
            raise exceptions.CommandError("falmock.save: there is nowhere to save to: falmock is not configured")
        complete = [flow for flow in flows if isinstance(flow, http.HTTPFlow) and flow.response is not None]
        if not complete:
            raise exceptions.CommandError(
                f"falmock.save: expected HTTP flows with an answer, found none in {_counted(len(flows), 'flow')}"
            )
        try:
            return _logged(save(complete))
        except (OSError, ValueError, LookupError) as error:
            raise exceptions.CommandError(f"falmock.save: {_text_of(error)}") from None

    def fetch_assets(self) -> None:
        """Fetch the files that recorded answers name and nobody downloaded yet. The log tells what came."""
        keeper = self._recording("falmock.assets.fetch")
        if self._fetching is not None and not self._fetching.done():
            raise exceptions.CommandError("falmock.assets.fetch: files are being fetched already")
        self._fetching = asyncio.get_running_loop().create_task(_fetch(keeper))

    def _recording(self, name: str) -> Keeper:
        keeper = self._keeper()
        if keeper is None:
            raise exceptions.CommandError(f"{name}: nothing is being recorded: set fal_mode to record or auto")
        return keeper


async def _fetch(keeper: Keeper) -> None:
    try:
        came = await keeper.fetch_assets()
    except Exception:  # nobody waits for this task
        logger.exception("falmock: files could not be fetched")
    else:
        logger.info("falmock: %s fetched", _counted(came, "file"))


def _logged(text: str) -> str:
    """Log the text and return it: a prompt shows it only for a moment, and mitmdump not at all."""
    logger.info("falmock: %s", text)
    return text


def _text_of(error: Exception) -> str:
    """The text of an error, for the end of a message."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
