"""Starts an app whose state is in a store: falmock does not start without it, and keeps to the store's clock."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
from collections.abc import Coroutine
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from typing import TypeVar

from falmock.app import App
from falmock.engine.config import MEMORY
from falmock.store import address
from falmock.store.interface import Commit
from falmock.store.interface import Outcome
from falmock.store.interface import Put
from falmock.store.interface import Store
from falmock.store.interface import Unavailable

T = TypeVar("T")


class NoStore(Exception):
    """falmock cannot start with its store; the text says why, and what to do."""


class Opened(NamedTuple):
    """What all falmocks of a store have in common: the secret that signs their tokens, and how far the clock here is behind."""

    secret: bytes
    offset: float


def share(app: App, url: str, environ: Mapping[str, str]) -> None:
    """Have the state of an app in the store at a URL, before the first call; nothing for the memory. Raises NoStore."""
    if url == MEMORY:
        return
    try:
        found = address.parse(url, environ)
        from falmock.store.redis import RedisStore  # needs packages that a falmock on its own does not
    except (address.BadAddress, ImportError) as error:
        raise NoStore(f"fal_store: {error}") from None
    try:
        opened = _in_own_loop(_opened(RedisStore(found), app))
    except Unavailable as error:
        raise NoStore(f"fal_store: {found.shown}: {error}. falmock does not start without its store") from None
    app.redactor.learn_value(found.password or "")
    files = None if found.files is None else Path(found.files)
    try:
        app.share(RedisStore(found), opened.secret, opened.offset, found.shown, files)
    except OSError as error:
        raise NoStore(f"fal_store: the folder {found.files} cannot be used for files: {error.strerror}") from None


def record(app: App, url: str, environ: Mapping[str, str]) -> None:
    """Be the one falmock of the store that records; nothing for the memory. Raises NoStore if another one is."""
    if app.shared is None:
        return
    from falmock.sharing.replicas import RECORDER
    from falmock.sharing.replicas import RECORDS_FOR
    from falmock.store.redis import RedisStore

    name = f"process {os.getpid()} on {socket.gethostname()}"

    async def claim(store: Store) -> str:
        try:
            claimed = await store.commit(Commit({RECORDER: None}, {RECORDER: Put(name.encode(), RECORDS_FOR)}))
            found = (await store.load([RECORDER]))[0]
            return name if claimed is Outcome.DONE or found is None else found.decode("utf-8", "replace")
        finally:
            await store.close()

    try:
        found = _in_own_loop(claim(RedisStore(address.parse(url, environ))))
    except Unavailable as error:
        raise NoStore(f"fal_store: {error}. falmock does not record without its store") from None
    if found != name:
        raise NoStore(
            f"fal_mode: one falmock of a store records, and {found} does. Stop that one (it counts as recording for "
            f"{RECORDS_FOR:g} s after its end), or let this one replay"
        )
    app.shared.replicas.recorder = name


def _in_own_loop(work: Coroutine[None, None, T]) -> T:
    """Wait for the store, also from within a running loop: options are read where nothing can be awaited."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run, name="falmock opens its store")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


async def _opened(store: Store, app: App) -> Opened:
    from falmock.sharing.replicas import SECRET
    from falmock.sharing.replicas import SECRET_FOR

    try:
        offset = await store.now() - app.clock()
        kept = (await store.load([SECRET]))[0]
        made = kept or secrets.token_bytes(32)
        await store.commit(Commit({SECRET: kept}, {SECRET: Put(made, SECRET_FOR)}))
        return Opened((await store.load([SECRET]))[0] or made, offset)
    finally:
        await store.close()
