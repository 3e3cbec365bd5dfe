"""What falmock says of itself in the log: how it works, and what is loaded."""

from __future__ import annotations

from collections.abc import Sequence

import falmock
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.fixtures.disk.loader import LoadedFixtures

_LEAVES = {
    Mode.REPLAY: "nothing leaves: no connection to fal is made",
    Mode.AUTO: "what no fixture answers is FORWARDED to fal and billed",
    Mode.RECORD: "every call is FORWARDED to fal and billed",
    Mode.PASSTHROUGH: "every call is FORWARDED to fal and billed",
}


def banner(config: Config, library: LoadedFixtures, paths: Sequence[str]) -> str:
    """How falmock works with this configuration, on one line; recordings go to the first of the `paths` of fixtures."""
    yours = f" (yours: {', '.join(sorted(config.hosts.extra))})" if config.hosts.extra else ""
    recordings = f"; recordings go to {paths[0]}" if config.mode.records else ""
    return (
        f"falmock {falmock.__version__}: mode {config.mode.value}; {library.counted} from {', '.join(paths)}; "
        f"pace {config.pace_text}; {len(config.hosts)} hosts{yours}; {_LEAVES[config.mode]}{recordings}"
    )
