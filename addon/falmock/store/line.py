"""One connection to a Redis or Valkey that many calls share.

Commands that come up while the event loop does one round, or while others are answered, travel together: with 20 calls at once
a command takes a seventh of the CPU time of one from a pool of connections.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

import hiredis
from redis.asyncio import Connection
from redis.asyncio import SSLConnection
from redis.asyncio import UnixDomainSocketConnection
from redis.exceptions import AuthenticationError
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import InvalidResponse
from redis.exceptions import RedisError
from redis.exceptions import ResponseError

from falmock.store.address import Address
from falmock.store.interface import Unavailable
from falmock.store.interface import Unknown
from falmock.store.refusals import refusal

_CLOSED = "was closed by falmock"


class Refused(Unavailable):
    """The server answered with an error."""

    def __init__(self, reason: str, error: RedisError) -> None:
        super().__init__(reason)
        self.error = error


_Asked = tuple[bytes, asyncio.Future[Any], bool, float]
"""A packed command, its answer, whether it writes, and how long (seconds) the server is asked to wait."""


class Line:
    """A connection that is opened when it is needed, and again after it broke."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection = _connection(address)
        # redis-py has renamed it
        self._can_read = getattr(self._connection, "can_read", None) or self._connection.can_read_destructive
        # an answer read from the parser costs a third of one from the connection, which looks at timeouts of its own
        parser = getattr(self._connection, "_parser", None)
        self._read = (
            partial(self._connection.read_response, disconnect_on_error=False)
            if parser is None
            else parser.read_response
        )
        self._waiting: list[_Asked] = []
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def ask(self, *command: str | bytes | float, write: bool = False, patience: float = 0.0) -> asyncio.Future[Any]:
        """Sends a command. The answer is the server's, or an `Unavailable`; `Unknown` for a write without an answer.

        `patience` is how long, in seconds, the server is asked to wait before it answers.
        """
        answer: asyncio.Future[Any] = asyncio.Future(loop=self._loop)
        self._waiting.append((hiredis.pack_command(command), answer, write, patience))  # type: ignore[arg-type]
        if self._task is None:
            # The loop's factory may run a task at once (mitmdump's does): one that ends at once would stay in `_task` for ever.
            self._task = asyncio.Task(self._converse(), loop=self._loop)
        return answer

    async def close(self) -> None:
        """Ends the connection. Who waits for an answer gets `Unavailable`. A command opens it again."""
        if (task := self._task) is not None:
            task.cancel()
            await asyncio.wait([task])
        # a peer that is gone does not end a TLS connection
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._address.timeout):
                await self._connection.disconnect()

    async def _converse(self) -> None:
        batch: list[_Asked] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._exchange(batch)
        except asyncio.CancelledError:
            self._fail(batch, _CLOSED, sent=True)
            self._fail(self._waiting, _CLOSED, sent=False)
            self._waiting = []
            raise
        finally:
            self._task = None

    async def _exchange(self, batch: list[_Asked]) -> None:
        """Sends the commands and gives out the answers. Whatever goes wrong, each gets one."""
        connection, sent = self._connection, False
        elsewhere = False
        try:
            async with asyncio.timeout(self._address.timeout + max([patience for *_, patience in batch])):
                if connection.is_connected and await self._is_stale():
                    await connection.disconnect(nowait=True)
                if not connection.is_connected:
                    await connection.connect()  # type: ignore[no-untyped-call]
                sent = True
                await connection.send_packed_command([packed for packed, *_ in batch], check_health=False)
                for _, answer, _, _ in batch:
                    elsewhere = await self._receive(answer) or elsewhere
        except TimeoutError:
            await self._broken(batch, f"did not answer within {self._address.timeout:g} s", sent=sent)
        except Exception as error:  # noqa: BLE001 - who waits must get an answer
            await self._broken(batch, self._why(error, sent=sent), sent=sent)
        else:
            if elsewhere:
                await connection.disconnect(nowait=True)

    async def _is_stale(self) -> bool:
        """Whether the server has ended the connection since the last answer."""
        try:
            return bool(await self._can_read())
        except RedisError:
            # before redis-py 8
            return True

    async def _receive(self, answer: asyncio.Future[Any]) -> bool:
        try:
            found = await self._read()
        except (ResponseError, AuthenticationError, BusyLoadingError) as error:
            found = error
        if isinstance(found, RedisError):
            reason, elsewhere = refusal(found)
            if not answer.done():
                answer.set_exception(Refused(self._told(reason), found))
            return elsewhere
        if not answer.done():
            answer.set_result(found)
        return False

    async def _broken(self, batch: list[_Asked], reason: str, *, sent: bool) -> None:
        self._fail(batch, reason, sent=sent)
        await self._connection.disconnect(nowait=True)

    def _fail(self, batch: list[_Asked], reason: str, *, sent: bool) -> None:
        for _, answer, write, _ in batch:
            if not answer.done():
                unknown = sent and write
                told = self._told(f"{reason}; whether the write was done is not known" if unknown else reason)
                answer.set_exception(Unknown(told) if unknown else Unavailable(told))

    def _told(self, reason: str) -> str:
        return f"the store {self._address.shown} {reason}"

    def _why(self, error: BaseException, *, sent: bool) -> str:
        # redis-py may wrap what the server said while a connection was opened
        error = error.__cause__ if isinstance(error.__cause__, RedisError) else error
        text = str(error.__context__ or error)
        if isinstance(error, (ResponseError, AuthenticationError, BusyLoadingError)) or "number of clients" in text:
            return refusal(error).reason
        if isinstance(error, InvalidResponse):
            return "does not speak as a Redis does: expected the host and port of one"
        if not isinstance(error, (Disconnected, OSError)):
            return f"fails: {type(error).__name__}: {error}"
        if sent:
            return "ended the connection"
        if "lost" in text or "closed" in text or "reset" in text:
            return "takes connections and ends them: look at its log, and whether its maxclients is too low"
        if "mismatch" in text:
            return "has a certificate for another name: expected the host as the certificate names it"
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return "has a certificate that is not trusted: name its authority with ?ca=FILE"
        if "SSL" in text:
            return "does not speak TLS: expected redis:// or valkey:// instead"
        return f"cannot be reached: {text}"


def _connection(address: Address) -> Connection | UnixDomainSocketConnection:
    settings: dict[str, Any] = {
        "db": address.db,
        "username": address.user,
        "password": address.password,
        # one timeout is for a whole batch
        "socket_timeout": None,
        "socket_connect_timeout": None,
        # RESP3 needs no less time, and one more trip at each connection
        "protocol": 2,
    }
    if address.socket:
        return UnixDomainSocketConnection(path=address.socket, **settings)
    settings |= {"host": address.host, "port": address.port, "socket_keepalive": True}
    if not address.tls:
        return Connection(**settings)
    return SSLConnection(**settings, ssl_ca_certs=address.ca, ssl_cert_reqs="required", ssl_check_hostname=True)
