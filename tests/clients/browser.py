"""A real Chromium, without a window, that a developer set up to go through the mock."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat

from clients import running
from clients.running import CLIENTS
from clients.running import Mitmdump

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What the program is called, by distribution."""
PAGE_SECONDS = 30


class Visit(NamedTuple):
    """What came of opening a page.

    Attributes:
        shown: What the page told when it was through; None when it failed.
        failed: Why it did, in the page's words or the browser's.
        console: Errors and warnings there.
        unloaded: What could not be loaded: URL and status, or the browser's word for what went wrong.
        ranges: Status and Content-Range of each answer that a player got.
    """

    shown: Any
    failed: str | None
    console: list[str]
    unloaded: list[str]
    ranges: list[list[Any]]


Visitor = Callable[..., dict[str, Visit]]
"""Opens pages at the same time, and gives what came of each."""


def find() -> Path | None:
    """Where Chromium is on this machine."""
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def require() -> Path:
    """Chromium, or the test is skipped and says that it is missing. In CI that is a failure."""
    found = find()
    if found is None:
        running.lacking(f"browser tests need one of: {', '.join(NAMES)}")
    return found


def digest_of_key(ca: Path) -> str:
    """The name under which Chromium is told to trust a CA: base64 of the SHA-256 of its public key."""
    key = x509.load_pem_x509_certificate(ca.read_bytes()).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


@contextmanager
def user(mock: Mitmdump) -> Iterator[Visitor]:
    """Somebody who opens pages of the web app, `visit("files.html", "uploads.html")`, each with a fresh profile.

    Browser and the app's backend go through the mock; the pages themselves come from loopback, past it.
    """
    programs = CLIENTS / "programs"
    with running.app(programs / "web_app.mjs", mock) as web_app, running.app(programs / "browser.mjs", mock) as browser:
        origin = web_app("listen")
        browser("launch", executable=str(require()), proxy=mock.proxy, trust=digest_of_key(mock.ca))

        def visit(*pages: str) -> dict[str, Visit]:
            seen = browser("visit", urls=[f"{origin}/{page}" for page in pages], seconds=PAGE_SECONDS)
            return {page: Visit(**found) for page, found in zip(pages, seen, strict=True)}

        yield visit
