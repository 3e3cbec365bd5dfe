"""What names mean to a mitmdump, and where it connects to.

It is a script of mitmproxy, loaded with a second `-s`; `names_folder` names the folder of its files.
"""

from __future__ import annotations

import asyncio
import json
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader


class Names:
    """Names and their addresses, for a mitmdump with these `options`. Only connections to loopback are made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers: dict[str, Sequence[Sequence[str]]] = {}
        self.options = ("-s", __file__, "--set", f"names_folder={folder}")
        self.say("nobody.test")

    def say(self, name: str, *answers: Sequence[str]) -> None:
        """A name has these addresses: the first answer is for the first look-up, the last for all further ones."""
        self._answers[name] = answers
        (self._folder / "names.json").write_text(json.dumps(self._answers))

    @property
    def asked(self) -> list[Any]:
        """The names from here that were looked up."""
        return self._lines("asked")

    @property
    def connected(self) -> list[Any]:
        """The addresses and ports to connect to."""
        return self._lines("connected")

    def _lines(self, file: str) -> list[Any]:
        path = self._folder / file
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Resolver:
    """Takes the place of the system's resolver."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}

    def load(self, loader: Loader) -> None:
        loader.add_option("names_folder", str, "", "Where the files are.")

    def running(self) -> None:
        find, connect = asyncio.BaseEventLoop.getaddrinfo, BaseSelectorEventLoop.sock_connect

        async def found(loop: Any, host: Any, port: Any, **more: Any) -> Any:
            addresses = self._addresses(host)
            if addresses is None:
                return await find(loop, host, port, **more)
            both = [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in addresses]
            return [
                (family, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)[: 4 if ":" in address else 2])
                for family, address in both
            ]

        async def connected(loop: Any, sock: Any, address: Any) -> None:
            if sock.family == socket.AF_UNIX:  # to a store
                await connect(loop, sock, address)
                return
            _write("connected", address[:2])
            if not address[0].startswith("127."):
                raise ConnectionRefusedError(f"this test does not connect to {address[0]}")
            await connect(loop, sock, address)

        # For this whole process: nothing in it may get around this.
        asyncio.BaseEventLoop.getaddrinfo = found  # type: ignore[method-assign, assignment]
        BaseSelectorEventLoop.sock_connect = connected  # type: ignore[method-assign]

    def _addresses(self, host: str) -> Sequence[str] | None:
        answers = json.loads((Path(ctx.options.names_folder) / "names.json").read_text()).get(host)
        if not answers:
            return None
        _write("asked", host)
        place = self._count[host] = self._count.get(host, -1) + 1
        addresses: Sequence[str] = answers[min(place, len(answers) - 1)]
        return addresses


def _write(file: str, value: Any) -> None:
    with (Path(ctx.options.names_folder) / file).open("a") as output:
        output.write(f"{json.dumps(value)}\n")


addons = [Resolver()]
