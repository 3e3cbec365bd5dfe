"""Logs how a client is made to trust the CA, if it refused the certificate of one of fal's hosts."""

from __future__ import annotations

import logging
import stat
import sys
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

from falmock.serving.runtimes import RUNTIMES
from falmock.serving.runtimes import Runtime
from falmock.serving.runtimes import runtime_of
from falmock.serving.tls_session import TlsFailure

logger = logging.getLogger(__name__)
_KEY_FILES = ("mitmproxy-ca.pem", "mitmproxy-ca.p12")
"""The files with the CA's key. mitmproxy makes them for their owner alone, and does not look at them later."""
CA_FILE = "mitmproxy-ca-cert.pem"
_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "DISCONNECTED")
"""What the reason for a failed handshake says, in upper case, if the certificate may be the cause."""


def exposed(confdir: Path) -> list[str]:
    """What others on this machine can do with the CA's key in this folder, one line each, with the remedy."""
    found = []
    for path in (confdir / name for name in _KEY_FILES):
        mode = mode_of(path)
        if mode & 0o077:
            found.append(
                f"the key of mitmproxy's CA, {path}, has mode {mode:04o}, expected 0600: others on this machine can use it to "
                f"impersonate any host to apps that trust the CA. Run chmod 600 {path}; if it may have been copied, remove mitmproxy-ca*, and a new CA is made"
            )
    mode = mode_of(confdir)
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        found.append(
            f"{confdir} has mode {mode:04o}: others on this machine can replace the keys in it. Run chmod o-w {confdir}"
        )
    return found


def mode_of(path: Path) -> int:
    """The permissions of a file or folder; none if it does not exist, and on Windows, where they say nothing."""
    if sys.platform == "win32":
        return 0
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def advice(host: str, runtime: Runtime | None, ca: str) -> str:
    """The line about a client that refused the certificate of `host`; `ca` is the file of mitmproxy's CA."""
    if runtime is not None:
        remedy = runtime.remedy.replace("{ca}", ca)
        return f"a client refused the certificate for {host}: it does not trust mitmproxy's CA. It looks like {runtime.name}: {remedy}"
    remedies = "; ".join(f"{each.name}: {each.remedy.replace('{ca}', ca)}" for each in RUNTIMES)
    return f"a client refused the certificate for {host}: it does not trust mitmproxy's CA. {remedies}"


def is_refusal(failure: TlsFailure) -> bool:
    """Whether a handshake may have failed because the client does not trust the certificate."""
    return any(word in str(failure).upper() for word in _REFUSALS)


class RefusalLog:
    """Logs one line for each kind of client that does not trust the CA. `confdir` returns the folder of the CA."""

    def __init__(self, confdir: Callable[[], Path]) -> None:
        self._confdir = confdir
        self._logged: set[str] = set()

    def refused(self, host: str, agent: str, ciphers: Sequence[int]) -> None:
        """A client with this user agent ("" for none) and these cipher suites refused the certificate of a host of fal's."""
        runtime = runtime_of(agent, ciphers)
        key = runtime.name if runtime else ""
        if key not in self._logged:
            self._logged.add(key)
            logger.warning("falmock: %s", advice(host, runtime, str(self._confdir() / CA_FILE)))

    def failed(self, host: str, agent: str, failure: TlsFailure) -> None:
        """A handshake failed, perhaps because of the certificate."""
        if is_refusal(failure):
            self.refused(host, agent, () if failure.hello is None else failure.hello.ciphers)
