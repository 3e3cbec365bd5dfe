"""The address of a store: where it is, and how it is spoken to.

    redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]     valkey:// is the same, rediss:// and valkeys:// use TLS
    unix://[[USER]:PASSWORD@]/PATH/OF/SOCKET       with ?db=N

Parameters: `prefix` of all keys (default `fm:`), `timeout` in seconds (default 1), `password_file`, `ca` (a file of
certificates, for TLS), `files` (a folder for the content of files, which all who use the store share). A password that is not in the URL comes from its `password_file`, or from FALMOCK_STORE_PASSWORD.
"""

from __future__ import annotations

import difflib
import os
import ssl
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from urllib.parse import SplitResult
from urllib.parse import parse_qsl
from urllib.parse import unquote
from urllib.parse import urlsplit

PASSWORD = "FALMOCK_STORE_PASSWORD"  # noqa: S105 - the name of a variable
_TLS = {"redis": False, "rediss": True, "valkey": False, "valkeys": True, "unix": False}
_PARAMETERS = ("prefix", "timeout", "password_file", "files")


class BadAddress(ValueError):
    """A URL that names no store. The text says what was found and expected, without the password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is, and how it is spoken to."""

    shown: str
    """The URL without the password, for people."""
    host: str = ""
    port: int = 6379
    socket: str = ""
    """The path of a Unix socket, instead of host and port."""
    db: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    prefix: str = "fm:"
    timeout: float = 1.0
    tls: bool = False
    ca: str | None = None
    files: str | None = None
    """A folder that all who use the store share."""


def parse(url: str, environ: Mapping[str, str]) -> Address:
    """The address that a URL names. `environ` may have the password; `password_file` and `ca` are read.

    Raises:
        BadAddress: The URL is wrong.
    """
    safe = _without_secrets(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"{safe!r} is not a URL: {_reason(error, url)}") from None
    if parts.scheme not in _TLS or "://" not in url:
        hint = _did_you_mean(parts.scheme, _TLS)
        raise BadAddress(
            f"{safe!r} names no store: expected a URL that begins with {_any_of(f'{s}://' for s in _TLS)}{hint}"
        )
    if "#" in url or "@" in f"{parts.path}{parts.query}":
        # a password that is not quoted ends up in the path or in a parameter, which errors would show
        raise BadAddress(
            f"{safe!r} has a '#', or an '@' behind the host: expected / as %2F, ? as %3F, # as %23, @ as %40"
        )
    parameters = _parameters(parts, safe, _allowed(parts.scheme))
    user, password = _credentials(parts, parameters, safe, environ)
    is_socket = parts.scheme == "unix"
    db = _number(parameters.get("db", "") if is_socket else parts.path.strip("/"), safe)
    if is_socket and (parts.hostname or not parts.path.strip("/")):
        raise BadAddress(f"{safe!r} names no socket: expected unix:///PATH, with three slashes")
    if not is_socket and not parts.hostname:
        raise BadAddress(f"{safe!r} names no host: expected {parts.scheme}://HOST:PORT/DB")
    where = unquote(parts.path) if is_socket else f"{_bracketed(parts.hostname or '')}:{port or 6379}/{db}"
    return Address(
        shown=f"{parts.scheme}://{f'{user}@' if user else ''}{where}",
        host="" if is_socket else parts.hostname or "",
        port=port or 6379,
        socket=unquote(parts.path) if is_socket else "",
        db=db,
        user=user,
        password=password,
        prefix=_prefix(parameters.get("prefix", "fm:")),
        timeout=_timeout(parameters.get("timeout", "1")),
        tls=_TLS[parts.scheme],
        ca=_certificates(parameters.get("ca")),
        files=_folder(parameters.get("files")),
    )


def _allowed(scheme: str) -> tuple[str, ...]:
    return (*_PARAMETERS, *(["db"] if scheme == "unix" else []), *(["ca"] if _TLS[scheme] else []))


def _parameters(parts: SplitResult, safe: str, allowed: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "password":
            raise BadAddress(
                f"{safe!r}: a password is no parameter: expected ?password_file=PATH, or the variable {PASSWORD}"
            )
        if name not in allowed:
            hint = _did_you_mean(name, allowed) or f", expected {_any_of(allowed)}"
            raise BadAddress(f"{safe!r}: unknown parameter {name!r}{hint}")
        if name in found:
            raise BadAddress(f"{safe!r}: the parameter {name!r} is there twice, expected once")
        found[name] = value
    return found


def _credentials(
    parts: SplitResult, parameters: Mapping[str, str], safe: str, environ: Mapping[str, str]
) -> tuple[str | None, str | None]:
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    path = parameters.get("password_file")
    if password and path is not None:
        raise BadAddress(f"{safe!r}: a password in the URL and a password_file, expected one of them")
    if path is not None:
        password = _read_password(path)
    password = password or environ.get(PASSWORD) or None
    if user and not password:
        raise BadAddress(
            f"{safe!r} names a user and no password: expected it in {PASSWORD}, or in a file: ?password_file=PATH"
        )
    return user, password


def _read_password(path: str) -> str:
    try:
        password = Path(path).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadAddress(f"password_file {path!r} is not text in UTF-8: expected a password") from None
    except OSError as error:
        raise BadAddress(f"password_file {path!r} cannot be read: {error.strerror}") from None
    if not password:
        raise BadAddress(f"password_file {path!r} is empty: expected a password")
    return password


def _folder(path: str | None) -> str | None:
    if path is None:
        return None
    full = Path(path).expanduser()
    if not full.is_dir() or not os.access(full, os.W_OK | os.X_OK):
        raise BadAddress(f"files {path!r} is not a folder that can be written: expected one that all falmocks share")
    return str(full)


def _certificates(path: str | None) -> str | None:
    if path is None:
        return None
    full = str(Path(path).expanduser())
    try:
        ssl.create_default_context(cafile=full)
    except ssl.SSLError:
        raise BadAddress(f"ca {path!r} has no certificates: expected a file in PEM") from None
    except OSError as error:
        raise BadAddress(f"ca {path!r} cannot be read: {error.strerror}") from None
    return full


def _number(text: str, safe: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadAddress(f"{safe!r}: the database is {text!r}, expected a number such as 0")
    return int(text)


def _prefix(text: str) -> str:
    # braces choose a cluster's slot: those of a scope must be the first
    if not text or not text.isprintable() or any(character in " {}" for character in text):
        raise BadAddress(f"prefix is {text!r}, expected text without spaces and braces, such as 'fm:'")
    return text


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 60:
        raise BadAddress(f"timeout is {text!r}, expected seconds: more than 0, at most 60")
    return seconds


def _without_secrets(url: str) -> str:
    """The URL without what may be secret, however broken it is."""
    scheme, separator, rest = url.partition("://")
    if "@" in rest:
        rest = "...@" + rest.rpartition("@")[2]
    elif not separator and "@" in url:
        return "..." + url.rpartition("@")[2]
    return scheme + separator + rest.partition("?")[0].partition("#")[0]


def _reason(error: ValueError, url: str) -> str:
    # the words of urlsplit's errors may quote the part with the password
    return "the part with host and port is wrong" if "@" in url else str(error)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _any_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f", did you mean {close[0]!r}?" if close else ""
