"""Logs how a client is made to trust the CA, if it refused the certificate of one of fal's hosts."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

from falmock.serving import ca
from falmock.serving.key_file import mode_of
from falmock.serving.own_ca import folder as own_ca
from falmock.serving.runtimes import RUNTIMES
from falmock.serving.runtimes import Runtime
from falmock.serving.runtimes import runtime_of
from falmock.serving.tls_session import TlsFailure

logger = logging.getLogger(__name__)
CA_FILE = ca.CERTIFICATE
_OURS = "falmock"
_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "DISCONNECTED")
"""What the reason for a failed handshake says, in upper case, if the certificate may be the cause."""


def _owner(confdir: Path) -> str:
    """Whose the CA in this folder is."""
    return _OURS if own_ca.is_own(confdir) else "mitmproxy"


def exposed(confdir: Path) -> list[str]:
    """What others on this machine can do with the CA's key in this folder, one line each, with the remedy.

    mitmproxy makes the files for their owner alone, and does not look at them later.
    """
    found = []
    owner = _owner(confdir)
    signed = "fal's hosts" if owner == _OURS else "any host"
    for path in (confdir / name for name in ca.SECRETS):
        mode = mode_of(path)
        if mode & 0o077:
            found.append(
                f"the key of {owner}'s CA, {path}, has mode {mode:04o}, expected 0600: others on this machine can use it to "
                f"impersonate {signed} to apps that trust the CA. Run chmod 600 {path}; if it may have been copied, remove mitmproxy-ca*, and a new CA is made"
            )
    mode = mode_of(confdir)
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        found.append(
            f"{confdir} has mode {mode:04o}: others on this machine can replace the keys in it. Run chmod o-w {confdir}"
        )
    return found


def advice(host: str, runtime: Runtime | None, file: str) -> str:
    """The line about a client that refused the certificate of `host`; `file` is the CA's."""
    owner = _owner(Path(file).parent)
    remedies = {each.name: remedy(each, file) for each in RUNTIMES if runtime in (None, each)}
    named = "; ".join(f"{name}: {remedy}" for name, remedy in remedies.items())
    looks = f"It looks like {named}" if runtime else named
    return f"a client refused the certificate for {host}: it does not trust {owner}'s CA. {looks}"


def remedy(runtime: Runtime, file: str) -> str:
    """How a kind of client trusts the CA with this file."""
    return runtime.remedy.replace("{ca}", file).replace("{owner}", _owner(Path(file).parent))


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
