"""Keeps secrets and control characters out of mitmproxy's event log, and lines about connections to falmock's own origin."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from collections.abc import Collection

from falmock.redaction.known_secrets import is_loopback
from falmock.redaction.patterns import HIDDEN
from falmock.redaction.redactor import Redactor

_ATTEMPTS = 3
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters of a request that would move a terminal's cursor, or turn the order of what it shows."""


_LOOPBACK = ("127.0.0.1", "::1")
"""What most clients have: these need no parsing."""


class LogFilter(logging.Filter):
    """Hides secrets in log records, and escapes control characters. All handlers share the records, so the first one does it for all.

    `origins` are the addresses of falmock's own origin; `redactor` returns the redactor in use.
    """

    def __init__(self, origins: Collection[tuple[str, int]], redactor: Callable[[], Redactor]) -> None:
        super().__init__()
        self._origins = origins
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop lines about connections to the origin; let every other record pass, without its secrets."""
        try:
            if self._is_of_origin(record):
                return False
            if not getattr(record, "falmock_read", False):
                self._hide(record)
        except Exception:  # noqa: BLE001 - logging it would call this filter again
            record.msg, record.args, record.exc_info = (
                "(a log line that could not be searched for secrets)",
                None,
                None,
            )
        record.falmock_read = True
        return True

    def _is_of_origin(self, record: logging.LogRecord) -> bool:
        if not self._origins or not record.name.startswith("mitmproxy"):
            return False
        from falmock.serving.websocket_session import (
            READ_ALL,
        )  # brings a whole library, which falmock serve starts without

        text = record.getMessage()
        # A log line about the origin's own ping, or the pong to it.
        return text.endswith(f"(payload: {READ_ALL!r})") or any(
            f"{host}:{port}" in text or text == f"Streaming request to {host}." for host, port in self._origins
        )

    def _hide(self, record: logging.LogRecord) -> None:
        # mitmproxy's lines may quote requests. In the lines of others, only what is certainly a secret is hidden.
        thorough = record.name.startswith(("mitmproxy", "falmock"))
        client = getattr(record, "client", None)
        if client and client[0] not in _LOOPBACK and not is_loopback(str(client[0])):
            record.client = (HIDDEN, *client[1:])
        text = record.getMessage()
        shown = self._hidden(text, thorough=thorough)
        if shown != text:
            record.msg, record.args = shown, None
        if record.exc_info:
            trace = _FORMATTER.formatException(record.exc_info)
            shown_trace = self._hidden(trace, thorough=thorough)
            if shown_trace != trace:
                record.msg, record.args = f"{shown}\n{shown_trace}", None
                record.exc_info = record.exc_text = None

    def _hidden(self, text: str, *, thorough: bool) -> str:
        """A text without its secrets, if `thorough` without control characters too. Retries, since other threads log while the redactor learns new secrets."""
        redactor = self._redactor()
        for _ in range(_ATTEMPTS):
            try:
                return _CONTROL.sub(_escaped, redactor.text(text)) if thorough else str(redactor.value(text))
            except (RuntimeError, KeyError):
                continue
        raise RuntimeError


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


_FORMATTER = logging.Formatter()
