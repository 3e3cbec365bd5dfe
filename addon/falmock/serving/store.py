"""Starts an app whose state is in a store: falmock does not start without it, and keeps to the store's clock."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from falmock.app import App
from falmock.engine.config import MEMORY
from falmock.store import address
from falmock.store.interface import Commit
from falmock.store.interface import Put
from falmock.store.interface import Store
from falmock.store.interface import Unavailable

SECRET = "{}:secret"  # noqa: S105 - the name of the record
_SECRET_TTL = 30 * 24 * 3600.0


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
        opened = _in_own_loop(RedisStore(found), app)
    except Unavailable as error:
        raise NoStore(f"fal_store: {found.shown}: {error}. falmock does not start without its store") from None
    app.redactor.learn_value(found.password or "")
    files = None if found.files is None else Path(found.files)
    try:
        app.share(RedisStore(found), opened.secret, opened.offset, found.shown, files)
    except OSError as error:
        raise NoStore(f"fal_store: the folder {found.files} cannot be used for files: {error.strerror}") from None


def _in_own_loop(store: Store, app: App) -> Opened:
    """Open a store, also from within a running loop: options are read where nothing can be awaited."""
    results: list[Opened | BaseException] = []

    def work() -> None:
        try:
            results.append(asyncio.run(_opened(store, app)))
        except BaseException as error:  # noqa: BLE001 - raised below
            results.append(error)

    thread = threading.Thread(target=work, name="falmock opens its store")
    thread.start()
    thread.join()
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


async def _opened(store: Store, app: App) -> Opened:
    try:
        offset = await store.now() - app.clock()
        kept = (await store.load([SECRET]))[0]
        made = kept or secrets.token_bytes(32)
        await store.commit(Commit({SECRET: kept}, {SECRET: Put(made, _SECRET_TTL)}))
        return Opened((await store.load([SECRET]))[0] or made, offset)
    finally:
        await store.close()
