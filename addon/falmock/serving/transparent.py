"""Answers clients that do not know of a proxy, in a network where fal's names have the address at which this listens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from falmock.serving import name_server
from falmock.serving.call_handler import caller_of
from falmock.serving.connection import Connection
from falmock.serving.gate import Caller
from falmock.serving.listener import BACKLOG
from falmock.serving.listener import Listener
from falmock.serving.name_server import Address
from falmock.serving.name_server import NameServer
from falmock.serving.redirected_session import RedirectedSession
from falmock.serving.session import OVER
from falmock.serving.session import Session
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import normalize

PORTS = (80, 443)
NAME_SERVER = "127.0.0.1"
"""Where resolvers ask that are told nothing else."""


class Transparent:
    """Listens at the address of fal's names, and answers with it who asks for the names, for a listener."""

    def __init__(self, listener: Listener, address: Address, name_port: int = name_server.PORT) -> None:
        self._listener = listener
        self._address = address
        self._name_port = name_port
        self._servers: list[asyncio.Server] = []
        self._names: asyncio.DatagramTransport | None = None

    async def start(self, ports: Sequence[int] = PORTS) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        try:
            for port in ports:
                made = await loop.create_server(
                    lambda: Connection(self._listener.server, self._session), str(self._address), port, backlog=BACKLOG
                )
                self._servers.append(made)
            self._names, _ = await loop.create_datagram_endpoint(
                lambda: NameServer(self._addresses_of), (NAME_SERVER, self._name_port)
            )
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Listen no more."""
        if self._names is not None:
            self._names.close()
        for server in self._servers:
            server.close()
        self._servers.clear()

    @property
    def _hosts(self) -> Hosts:
        return self._listener.server.app.config.hosts

    def _addresses_of(self, name: str, port: int) -> Sequence[Address] | None:
        """fal's names, those of the hosts that it shares with others, and no other: nothing leads out."""
        name = normalize(name)
        found = None if self._hosts.role(name) is None else (self._address,)
        if self._listener.sightings is not None and (found is None or self._hosts.owns(name)):
            self._listener.sightings.asked(name, port, exists=found is not None)
        return found

    def _session(self, connection: Connection) -> RedirectedSession:
        caller = caller_of(connection)._replace(peer=NAME_SERVER)  # it is on this machine, which has all addresses here
        port = connection.transport.get_extra_info("sockname")[1]
        if self._listener.sightings is not None:
            self._listener.sightings.connected(caller, port, is_past=True)
        return RedirectedSession(lambda host: self._opened(host, port, caller, connection))

    def _opened(self, host: str, port: int, caller: Caller, connection: Connection) -> Session:
        if host and self._hosts.role(host) is None:
            return OVER
        if self._listener.sightings is not None and (not host or self._hosts.owns(host)):
            self._listener.sightings.named(caller, host)
        return self._listener.opened(host, port, caller, connection)
