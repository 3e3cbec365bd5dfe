"""Fetches the OpenAPI documents of recorded endpoints at the end of a recording, without a key, and unbilled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from mitmproxy import http

from falmock.fixtures.matching.documents import names_of
from falmock.fixtures.matching.match import is_glob
from falmock.proxy.own_requests import OwnRequests
from falmock.proxy.record.fetch import STALLED
from falmock.proxy.record.fetch import flow_of
from falmock.recording.disk.schemas import MAX_DOCUMENT
from falmock.recording.disk.schemas import NotADocument
from falmock.recording.disk.schemas import SchemaFolder
from falmock.recording.disk.schemas import document_of
from falmock.wire import endpoint
from falmock.wire import platform
from falmock.wire import provenance
from falmock.wire.formats import encodings
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.formats.timestamps import utc_text
from falmock.wire.provenance import Provenance

logger = logging.getLogger(__name__)
WITHIN = 30.0
"""How long (seconds) the end of a recording may take for schemas; what has not come by then is left."""
AT_ONCE = 4
"""How many are fetched at the same time."""
NAMED = 5
"""How many endpoints a line of the log names."""
_NONE = "fal has none"


class _Failed(Exception):
    """A document did not come; the text says why."""


class SchemaFetches:
    """The documents that a recording fetches at its end.

    `is_known` tells whether there is a document for calls to an endpoint, `clean` hides secrets in one.
    """

    def __init__(self, folder: SchemaFolder, is_known: Callable[[str], bool], clean: Callable[[Any], Any]) -> None:
        self._folder = folder
        self._is_known = is_known
        self._clean = clean
        self._wanted: dict[str, None] = {}
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._requests = OwnRequests()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._is_stopped = False

    def want(self, name: str | None) -> None:
        """A call to this endpoint was recorded; what is no endpoint id, such as a glob, does not count."""
        try:
            if name is not None and not is_glob(name) and name == str(endpoint.parse(name)):
                self._wanted[name] = None
        except endpoint.BadEndpointId:
            pass

    def is_own(self, flow: http.HTTPFlow) -> bool:
        """Whether a flow is one of these requests."""
        return self._requests.is_own(flow)

    def stop(self) -> None:
        """Fetch no more."""
        self._is_stopped = True
        self._requests.stop()

    async def fetch(self) -> int:
        """Fetch the documents that are not there yet, and log what came; returns how many did.

        That of `x/stream` is asked for as such, then as that of `x`. Each is asked for once.
        """
        wanted, self._wanted = [name for name in self._wanted if not self._is_there(name)], {}
        if not wanted or self._is_stopped:
            return 0
        fetching = {name: asyncio.ensure_future(self._fetch_any(name)) for name in wanted}
        await asyncio.wait(fetching.values(), timeout=WITHIN)
        late = [task for task in fetching.values() if not task.done()]
        for task in late:
            task.cancel()
        self._requests.stop()
        failed: dict[str, list[str]] = defaultdict(list)
        kept: list[str] = []
        for name, task in fetching.items():
            if task in late:
                failed[f"it did not come within {WITHIN:g} s"].append(name)
            elif problem := task.result():
                failed[problem].append(name)
            else:
                kept.append(name)
        self._tell(kept, failed)
        return len(kept)

    def _tell(self, kept: list[str], failed: dict[str, list[str]]) -> None:
        if kept:
            logger.info("falmock: kept the schemas of %s in %s", _listed(kept), self._folder.path)
        if self._is_stopped:
            return
        for why, names in failed.items():
            level = logging.INFO if why == _NONE else logging.WARNING
            logger.log(level, "falmock: no schema of %s: %s. The recording is complete without", _listed(names), why)

    def _is_there(self, name: str) -> bool:
        return self._is_known(name) or any(self._folder.file(each).exists() for each in names_of(name))

    async def _fetch_any(self, name: str) -> str:
        """Fetch the document of an endpoint; returns why there is none, else ""."""
        try:
            for each in names_of(name):
                if each not in self._asked:
                    self._asked[each] = asyncio.ensure_future(self._keep(each))
                if await self._asked[each]:
                    return ""
        except (_Failed, NotADocument, OSError) as error:
            return str(error)
        except Exception:  # the recording must not be lost
            logger.exception("falmock: a schema could not be fetched")
            return "falmock failed"
        return _NONE

    async def _keep(self, name: str) -> bool:
        """Fetch and write the document of an endpoint; returns whether there is one. Raises _Failed, NotADocument, OSError."""
        async with self._slots:
            document = await self._document(name)
        if document is not None:
            await asyncio.to_thread(self._folder.write, name, document)
        return document is not None

    async def _document(self, name: str) -> dict[str, Any] | None:
        """The document of an endpoint; None if fal has none. Raises _Failed, NotADocument."""
        flow = flow_of(f"https://{platform.SITE}{platform.document_target(name)}")
        flow.comment = f"falmock: fetches the schema of {name}"
        given_up = await self._requests.send(flow, STALLED)
        if given_up is not None or flow.error is not None or flow.response is None:
            raise _Failed(given_up or (flow.error.msg if flow.error else "no answer"))
        if flow.response.status_code == 404:
            return None
        if flow.response.status_code != 200:
            raise _Failed(f"it was answered {flow.response.status_code}")
        encoding = flow.response.headers.get("content-encoding", "")
        try:
            body = encodings.decoded(flow.response.raw_content or b"", encoding, MAX_DOCUMENT)
        except (TooLarge, BadEncoding) as error:
            raise _Failed(str(error)) from None
        now = utc_text(time.time())
        origin = Provenance(provenance.RECORDED, f"https://{platform.SITE}", now)
        document: dict[str, Any] = self._clean(provenance.marked(document_of(body, name), origin))
        return document


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
