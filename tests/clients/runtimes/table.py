"""What has to be set for each client, so that its calls to fal come to falmock: the table in addon/README.md.

tests/clients/test_runtimes.py runs every client, and fails if a row is not true. As a program, this module writes the table into
the README: `python tests/clients/runtimes/table.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).resolve().parents[3] / "addon" / "README.md"
BEGIN, END = "<!-- clients: made by tests/clients/runtimes/table.py -->\n", "<!-- clients: end -->\n"
BY_HAND = ("HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
"""The variables that are set in the column `by hand`."""

WITHOUT_SCOPE = ("Java",)
"""The runtimes that do not send the name of a proxy's user, in which the scope is."""


class Row(NamedTuple):
    """Clients of a runtime whose calls come to falmock, or do not: with `BY_HAND` alone, and in `falmock run`."""

    runtime: str
    clients: tuple[str, ...]
    by_hand: bool
    run: bool
    why: str = ""


_TRANSPARENT = "`falmock run --transparent`"
_PRELOAD = "`NODE_OPTIONS` with a preload"
_WITHOUT_PROXY = ("fetch", "https", "http", "got", "undici", "ws", "worker")
ROWS = (
    Row("Python", ("httpx", "urllib", "websockets"), by_hand=True, run=True),
    Row("Python", ("requests",), by_hand=False, run=True, why="`REQUESTS_CA_BUNDLE`: it does not read `SSL_CERT_FILE`"),
    Row(
        "Python",
        ("aiohttp", "aiohttp_socket"),
        by_hand=False,
        run=True,
        why="`PYTHONPATH` with a hook that makes `trust_env=True` the default of `ClientSession`; `wss_proxy`",
    ),
    Row(
        "Python",
        ("urllib3",),
        by_hand=False,
        run=False,
        why=f"its `PoolManager` reads no proxy: `ProxyManager` in code, or {_TRANSPARENT}",
    ),
    Row("Node.js 20", ("axios",), by_hand=True, run=True),
    Row("Node.js 20", _WITHOUT_PROXY, by_hand=False, run=True, why=_PRELOAD),
    Row("Node.js 22", ("axios",), by_hand=True, run=True),
    Row("Node.js 22", (*_WITHOUT_PROXY, "WebSocket"), by_hand=False, run=True, why=_PRELOAD),
    Row("Node.js 24", ("axios",), by_hand=True, run=True),
    Row("Node.js 24", (*_WITHOUT_PROXY, "WebSocket"), by_hand=False, run=True, why=_PRELOAD),
    Row("Bun", ("fetch", "axios", "undici"), by_hand=True, run=True),
    Row("Bun", ("https", "http", "got", "WebSocket"), by_hand=False, run=True, why="`BUN_OPTIONS` with a preload"),
    Row(
        "Bun",
        ("ws",),
        by_hand=False,
        run=False,
        why=f"Bun has its own `ws`, which uses no proxy: the global `WebSocket`, or {_TRANSPARENT}",
    ),
    Row("Deno", ("fetch", "axios", "WebSocket"), by_hand=True, run=True),
    Row("Deno", ("https", "http", "got", "undici", "ws"), by_hand=False, run=True, why=_PRELOAD),
    Row(
        "Java",
        ("HttpURLConnection", "HttpClient"),
        by_hand=False,
        run=True,
        why="`JAVA_TOOL_OPTIONS` with the proxy and a trust store; it does not send the scope",
    ),
    Row("Ruby", ("Net::HTTP",), by_hand=False, run=True, why="`http_proxy`: it reads no other"),
    Row("PHP", ("curl",), by_hand=False, run=True, why="`PHP_INI_SCAN_DIR` with the bundle"),
    Row("PHP", ("streams",), by_hand=False, run=False, why=f"they use no proxy: curl, or {_TRANSPARENT}"),
    Row("curl", ("curl",), by_hand=True, run=True),
    Row("Go", ("net/http",), by_hand=True, run=True),
)
_SHOWN = {
    "aiohttp_socket": "sockets of aiohttp",
    "websockets": "websockets 15",
    "worker": "`fetch` in a worker",
    "ws": "`ws`",
    "http": "`node:http`",
    "https": "`node:https`",
    "fetch": "`fetch`",
    "WebSocket": "`WebSocket`",
    "streams": "streams (`file_get_contents`)",
}


def runtimes() -> tuple[str, ...]:
    """The runtimes, each once."""
    return tuple(dict.fromkeys(row.runtime for row in ROWS))


def expected(runtime: str) -> dict[str, tuple[bool, bool]]:
    """By client of a runtime: whether a call comes to falmock by hand, and in `falmock run`."""
    return {client: (row.by_hand, row.run) for row in ROWS if row.runtime == runtime for client in row.clients}


def markdown() -> str:
    """The table as it is in the README."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "| client | by hand | `falmock run` | what it needs besides |"
    yield "|---|---|---|---|"
    shown: dict[tuple[object, ...], list[str]] = {}
    for row in ROWS:  # the versions of Node.js that are alike share a line
        shown.setdefault((row.clients, row.by_hand, row.run, row.why), []).append(row.runtime)
    for (clients, by_hand, run, why), names in shown.items():
        runtime = names[0] + "".join(f", {name.rpartition(' ')[2]}" for name in names[1:])
        listed = ", ".join(_SHOWN.get(client, client) for client in clients)  # type: ignore[attr-defined]
        yield f"| {runtime}: {listed} | {_cell(by_hand)} | {_cell(run)} | {why} |"


def _cell(comes: object) -> str:
    return "yes" if comes else "**no**"


def written(readme: str) -> str:
    """The text of the README with the table between its markers."""
    return re.sub(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", lambda _: markdown(), readme, flags=re.DOTALL)


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
