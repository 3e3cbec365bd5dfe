"""A real, headless Chromium that goes through the mock."""

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
"""Names of the program in different distributions."""
PAGE_SECONDS = 30


class Visit(NamedTuple):
    """The outcome of opening a page.

    Attributes:
        shown: What the page reported at its end; None if it failed.
        failed: Why it failed, as the page or the browser says; None if it did not.
        console: Errors and warnings on the console.
        unloaded: What could not be loaded: URL and status, or the browser's error.
        ranges: Status and Content-Range of each answer to a media player.
    """

    shown: Any
    failed: str | None
    console: list[str]
    unloaded: list[str]
    ranges: list[list[Any]]


Visitor = Callable[..., dict[str, Visit]]
"""Opens pages at the same time and returns the outcome of each."""


def find() -> Path | None:
    """The path of Chromium; None if it is not installed."""
    return next((Path(found) for name in NAMES if (found := shutil.which(name))), None)


def require() -> Path:
    """The path of Chromium. Without it the test is skipped, and in CI it fails."""
    found = find()
    if found is None:
        running.lacking(f"browser tests need one of: {', '.join(NAMES)}")
    return found


def digest_of_key(ca: Path) -> str:
    """How Chromium's option names a trusted CA: base64 of the SHA-256 of its public key."""
    key = x509.load_pem_x509_certificate(ca.read_bytes()).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


@contextmanager
def user(mock: Mitmdump) -> Iterator[Visitor]:
    """A user who opens pages of the web app, `visit("files.html", "uploads.html")`, each with a fresh profile.

    The browser and the app's backend go through the mock; the pages come from loopback directly.
    """
    programs = CLIENTS / "programs"
    with running.app(programs / "web_app.mjs", mock) as web_app, running.app(programs / "browser.mjs", mock) as browser:
        origin = web_app("listen")
        browser("launch", executable=str(require()), proxy=mock.proxy, trust=digest_of_key(mock.ca))

        yield _visitor(browser, origin)


@contextmanager
def alone(origin: str) -> Iterator[Visitor]:
    """A user who opens pages of a server on loopback, without a mock."""
    with running.app(CLIENTS / "programs" / "browser.mjs", None) as browser:
        browser("launch", executable=str(require()))
        yield _visitor(browser, origin)


def _visitor(browser: Callable[..., Any], origin: str) -> Visitor:
    def visit(*pages: str) -> dict[str, Visit]:
        seen = browser("visit", urls=[f"{origin}/{page}" for page in pages], seconds=PAGE_SECONDS)
        return {page: Visit(**found) for page, found in zip(pages, seen, strict=True)}

    return visit
