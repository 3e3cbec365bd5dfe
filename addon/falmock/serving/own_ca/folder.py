"""The folder of falmock's own CA: one for each set of hosts, shared by all that falmock starts.

Its files have mitmproxy's names, so that mitmproxy takes it as its confdir.
"""

from __future__ import annotations

import hashlib
import logging
import os
import ssl
from collections.abc import Iterable
from pathlib import Path

from falmock.recording.disk import atomic
from falmock.recording.disk import locks
from falmock.serving import ca
from falmock.serving.key_file import SECRET
from falmock.serving.key_file import protect
from falmock.serving.own_ca.names import permitted

logger = logging.getLogger(__name__)
HOME = "FALMOCK_HOME"
"""The environment variable with the folder in which falmock keeps what is not of a project; `~/.falmock` by default."""
_BELOW = "ca"
_DAYS = 2 * 365
"""How long it is valid. What a stolen key is good for ends then, and a new CA is made by itself."""
_RENEWED_BEFORE = 60
"""How many days before its end it is replaced, so that no server that runs for weeks sees the end."""
_NAME = "falmock"
_UNKNOWN = 0.0


class NoCa(OSError):
    """falmock's CA cannot be kept; the text says why, and what to do."""


def home() -> Path:
    """The folder in which falmock keeps what is not of a project. Raises NoCa if the user has no home."""
    try:
        return Path(os.environ.get(HOME) or "~/.falmock").expanduser().absolute()
    except RuntimeError:
        raise NoCa(f"falmock's CA has no folder, since this user has no home: name one with {HOME}") from None


def path(hosts: Iterable[str]) -> Path:
    """The folder of the CA for these normalized hosts and all of fal's domains, whether it exists or not. Raises NoCa."""
    digest = hashlib.sha256("\n".join(permitted(hosts)).encode()).hexdigest()[:12]
    return home() / _BELOW / digest


def is_own(folder: Path) -> bool:
    """Whether a folder with a CA is one of falmock's own."""
    try:
        return folder.parent == home() / _BELOW
    except NoCa:
        return False


def ensure(hosts: Iterable[str], now: float) -> Path:
    """The folder of the CA for these normalized hosts and all of fal's domains.

    The CA is made if there is none, and renewed before its end. `now` is in seconds since the epoch. Raises NoCa.
    """
    names = permitted(hosts)
    folder = path(names)
    try:
        _ensure(folder, names, now)
    except locks.Busy:
        why = f"another process has held the lock on it for {locks.PATIENCE:g} s, stop it if it hangs"
    except OSError as error:
        why = error.strerror or str(error)
    else:
        return folder
    raise NoCa(f"falmock's CA cannot be kept in {folder}: {why}. Choose another folder with {HOME}")


def _ensure(folder: Path, names: tuple[str, ...], now: float) -> None:
    folder.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
        advice = "If somebody may have changed what is in it, remove it, and a new CA is made"
        protect(each, "the folder of falmock's CA", advice, 0o700)
    if not _lasts(folder, now):
        with locks.locked(folder):
            if not _lasts(folder, now):  # no other process was first
                _make(folder, names, now)
    stolen = f"If it may have been copied, remove {folder}, and a new CA is made"
    for name in ca.SECRETS:
        protect(folder / name, "the key of falmock's CA", stolen)


def _lasts(folder: Path, now: float) -> bool:
    """Whether the folder has a CA that need not be replaced yet."""
    return _end(folder) > now + _RENEWED_BEFORE * 86400


def _end(folder: Path) -> float:
    """When the CA in a folder ends, in seconds since the epoch. `_UNKNOWN` if it is damaged or not one of ours.

    A mitmproxy that finds no CA in the folder makes one, which can sign for any host.
    """
    try:
        certificate = (folder / ca.CERTIFICATE).read_text("ascii")
        if not (folder / ca.FILE).read_text("ascii").endswith(certificate):
            return _UNKNOWN
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certificate)
        (found,) = context.get_ca_certs()
    except (OSError, ValueError):
        return _UNKNOWN
    is_ours = found["subject"] == ((("commonName", _NAME),), (("organizationName", folder.name),))
    return float(ssl.cert_time_to_seconds(str(found["notAfter"]))) if is_ours else _UNKNOWN


def _make(folder: Path, names: tuple[str, ...], now: float) -> None:
    if (folder / ca.FILE).exists():
        why = "was damaged or not falmock's" if _end(folder) == _UNKNOWN else "is near its end"
        changed = f"the CA in {folder} {why}. A new one was made: give it to all that have a copy of the old one"
        logger.warning("falmock: %s", changed)
    owner = ca.Owner(_NAME, folder.name, _DAYS, names)
    for name, (data, mode) in ca.files(owner, now).items():
        atomic.write_whole(folder / name, data, SECRET)
        (folder / name).chmod(mode)
