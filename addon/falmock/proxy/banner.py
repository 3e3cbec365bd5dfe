"""The lines that falmock logs at the start: its configuration, and what is loaded."""

from __future__ import annotations

from collections.abc import Sequence

import falmock
from falmock.engine.config import Config
from falmock.engine.config import Inspector
from falmock.engine.config import Mode
from falmock.fixtures.disk.loader import LoadedFixtures
from falmock.gateway.inspector.door import PATH
from falmock.wire.formats import compression

_LEAVES = {
    Mode.REPLAY: "nothing leaves{exception}: no connection to fal is made",
    Mode.AUTO: "what no fixture answers is FORWARDED to fal and billed",
    Mode.RECORD: "every call is FORWARDED to fal and billed",
    Mode.PASSTHROUGH: "every call is FORWARDED to fal and billed",
}


def banner(
    config: Config,
    loaded: LoadedFixtures,
    paths: Sequence[str],
    captures: str = "",
    *,
    flows: str | None = "",
    store: str = "",
) -> str:
    """The configuration on one line; recordings go to the first of the fixtures' `paths`.

    `captures` is what is imported by a mitmproxy that takes no calls, "" for any other. `flows` is why calls go through
    mitmproxy's flows, "" if they do not, None if there is no mitmproxy. `store` is the address of the one that has the
    state, "" if it is in memory.
    """
    yours = f" (yours: {', '.join(sorted(config.hosts.extra))})" if config.hosts.extra else ""
    leaves = f"imports {captures}, and forwards nothing" if captures else _leaves(config)
    state = f"; state in {store}" if store else ""
    recordings = f"; recordings go to {paths[0]}" if config.mode.records else ""
    lane = f"; calls go through flows ({flows})" if flows else "; calls do not go through flows, which is faster"
    return (
        f"falmock {falmock.__version__}: mode {config.mode.value}; {loaded.counted} from {', '.join(paths)}; "
        f"pace {config.pace_text}{state}; {len(config.hosts)} hosts{yours}; {leaves}{recordings}"
        f"{lane if config.mode is Mode.REPLAY and flows is not None else ''}"
    )


def _leaves(config: Config) -> str:
    """Where calls go, and the webhooks that falmock posts itself."""
    hosts = ", ".join(config.webhook_hosts)
    text = _LEAVES[config.mode].format(exception=f" except webhooks to {hosts}" if hosts else "")
    return f"{text}; webhooks go to {hosts or 'loopback and private addresses'} only" if config.mode.answers else text


def inspector(url: str, config: Config) -> list[str]:
    """The line that tells where the inspector's page is; none if there is no page. `url` is falmock's own."""
    if config.inspector is Inspector.OFF:
        return []
    token = "; it needs the token: put #token=TOKEN behind this address" if config.control_token else ""
    return [f"the inspector, which shows what happens, is at {url}{PATH}{token}"]


def unavailable() -> list[str]:
    """The features that are missing because a package is not installed, one line each."""
    if compression.ZSTD is not None:
        return []
    return ["event streams compressed with zstd cannot be recorded: neither backports.zstd nor zstandard is installed"]
