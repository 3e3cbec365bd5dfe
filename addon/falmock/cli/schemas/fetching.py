"""`falmock schemas fetch`: fetches the documents of models from fal, one by one, without a key."""

from __future__ import annotations

import argparse
import ssl
import time
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from falmock.cli import settings
from falmock.cli.progress import ProgressLine
from falmock.cli.schemas import download
from falmock.cli.schemas import wanted
from falmock.cli.schemas.wanted import Failed
from falmock.cli.schemas.wanted import NotWanted
from falmock.recording.disk.schemas import MAX_DOCUMENT
from falmock.recording.disk.schemas import NotADocument
from falmock.recording.disk.schemas import document_of
from falmock.serving.outgoing.http_client import NoAnswer
from falmock.wire import platform
from falmock.wire import provenance
from falmock.wire.formats.timestamps import utc_text
from falmock.wire.provenance import Provenance

MOST = 50
"""How many are fetched without `--all`."""
PAUSE = 0.5
"""How long (seconds) is waited between two requests."""
PATIENCE = 20.0
"""How long (seconds) one document may take."""
GIVES_UP = 3
"""After how many requests in a row without an answer the others are not tried."""
_EXAMPLES = f"""\
examples:
  falmock schemas fetch fal-ai/flux/dev fal-ai/kling-video/v2.1/master/image-to-video
  falmock schemas fetch --from fixtures/
  falmock schemas fetch --from fixtures/ --again            # as they are today

It asks {platform.SITE} for each schema, {PAUSE:g} s apart, sends no key, and costs nothing. A proxy of the environment (HTTPS_PROXY) is used.

exit codes: 0 all are there, 1 some did not come (the others did), 2 bad arguments, 130 Ctrl-C (those that came stay)
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock schemas fetch`."""
    made = argparse.ArgumentParser(
        "falmock schemas fetch",
        description="Fetches the OpenAPI documents of models from fal, into the folder _schemas of the fixtures.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    wanted.add_arguments(made)
    made.add_argument("--all", action="store_true", help=f"also more than {MOST}")
    made.add_argument("--trusted-ca", metavar="FILE", help="a CA to trust, besides the system's")
    made.add_argument(
        "--url",
        metavar="BASE",
        default=f"https://{platform.SITE}",
        help="where to ask in place of fal, such as a mirror (default %(default)s)",
    )
    return made


def main(words: Sequence[str]) -> int:
    """Fetch; returns the exit code."""
    arguments = settings.parse(parser(), words)
    try:
        names = _names(arguments)
        source = _Source(arguments.url, arguments.trusted_ca)
    except NotWanted as error:
        wanted.tell(str(error))
        return wanted.BAD_USAGE
    steps = ProgressLine().through(names, "fetching schemas")
    return wanted.write_all(steps, wanted.folder(arguments), source.document, again=arguments.again)


def _names(arguments: argparse.Namespace) -> list[str]:
    """What to fetch. Raises NotWanted."""
    names = wanted.ids(arguments)
    if not names:
        found = "fixtures that name none" if arguments.fixtures else "none"
        raise NotWanted(f"expected endpoint ids, or --from with fixtures that name some, found {found}")
    if not arguments.all:
        into = wanted.folder(arguments)
        missing = [name for name in names if arguments.again or not into.file(name).exists()]
        if len(missing) > MOST:
            raise NotWanted(f"expected at most {MOST} endpoint ids, found {len(missing)}: --all fetches them all")
    return names


class _Source:
    """Where documents are fetched from. Raises NotWanted for a base that is no URL, or a CA that cannot be read."""

    def __init__(self, base: str, trusted_ca: str | None) -> None:
        try:
            parts = urlsplit(base)
            is_valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.query
        except ValueError:
            is_valid = False
        if not is_valid or parts.username or parts.fragment:
            raise NotWanted(f"--url: expected a URL such as https://{platform.SITE}, found {base!r}")
        self._base = base.rstrip("/")
        try:
            self._tls = download.tls_context(trusted_ca)
        except (OSError, ssl.SSLError) as error:
            raise NotWanted(f"--trusted-ca {trusted_ca}: cannot be read: {error.strerror or error}") from None
        self._next = 0.0
        self._unanswered = 0

    def document(self, name: str) -> Mapping[str, Any]:
        """The document of an endpoint. Raises Failed."""
        time.sleep(max(0.0, self._next - time.monotonic()))
        url = f"{self._base}{platform.document_target(name)}"
        try:
            answered = download.get(url, self._tls, MAX_DOCUMENT, PATIENCE)
        except NoAnswer as error:
            self._unanswered += 1
            is_last = self._unanswered == GIVES_UP
            more = f". After {GIVES_UP} requests without an answer the others are not tried" if is_last else ""
            raise Failed(f"{error}{more}", is_last=is_last) from None
        finally:
            self._next = time.monotonic() + PAUSE
        self._unanswered = 0
        if answered.status == 404:
            raise Failed("fal has no schema of it (404)")
        if answered.status != 200:
            raise Failed(f"it was answered {answered.status}")
        if len(answered.body) > MAX_DOCUMENT:
            raise Failed(f"it has more than {MAX_DOCUMENT >> 20} MiB")
        try:
            document = document_of(answered.body, name)
        except NotADocument as error:
            raise Failed(str(error)) from None
        return provenance.marked(document, Provenance(provenance.FETCHED, self._base, utc_text(time.time())))
