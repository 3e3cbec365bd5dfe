"""Logs how a client is made to trust the CA, if it refused the certificate of one of fal's hosts."""

from __future__ import annotations

import logging
import re
import stat
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from falmock.serving import ca
from falmock.serving.key_file import mode_of
from falmock.serving.own_ca import folder as own_ca
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


class Runtime(NamedTuple):
    """A kind of client: how it is recognized, and how it trusts a CA.

    `agent` is a pattern of the user agent in its CONNECT. `ciphers` are the first cipher suites of its TLS hello, for
    those that send no user agent: the order is that of the library that it is built with. `{ca}` in `remedy` is the
    CA's file, `{owner}` whose CA it is.
    """

    name: str
    agent: re.Pattern[str]
    ciphers: tuple[int, ...]
    remedy: str


_GREASE = 0x0A0A
"""What the reserved cipher suites of RFC 8701 have in common, which Chromium begins with."""
RUNTIMES = (
    Runtime("curl", re.compile(r"^curl/"), (), "set CURL_CA_BUNDLE={ca}, or pass --cacert"),
    Runtime("Java", re.compile(r"^Java[-/]"), (), "import {ca} into the JVM's trust store with keytool"),
    Runtime("Firefox", re.compile(r"Firefox/"), (), "import {ca} in its settings, under Certificates"),
    Runtime(
        "Chromium",
        re.compile(r"Chrom(e|ium)/"),
        (_GREASE,),
        "run mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n {owner} -i {ca}",
    ),
    Runtime("Go", re.compile(r"^Go-http-client/"), (), "set SSL_CERT_FILE={ca}"),
    Runtime(
        "Node.js",
        re.compile(r"^(node|undici)\b"),
        (0x1302, 0x1303, 0x1301, 0xC02F),
        "set NODE_EXTRA_CA_CERTS={ca} before it starts",
    ),
    Runtime("Deno", re.compile(r"^Deno/"), (), "set DENO_CERT={ca}"),
    Runtime("Bun", re.compile(r"^Bun/"), (), "set NODE_EXTRA_CA_CERTS={ca} before it starts"),
    Runtime(
        "Python",
        re.compile(r"\b(Python|aiohttp|python-\w+)/"),
        (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0xC02B),
        "set SSL_CERT_FILE={ca}, and REQUESTS_CA_BUNDLE={ca} for requests",
    ),
)


def runtime_of(agent: str, ciphers: Sequence[int]) -> Runtime | None:
    """The kind of client with this user agent ("" for none) and these cipher suites; None if it is not known."""
    if agent:
        return next((each for each in RUNTIMES if each.agent.search(agent)), None)
    known = [each for each in RUNTIMES if each.ciphers and _begins(ciphers, each.ciphers)]
    return max(known, key=lambda each: len(each.ciphers), default=None)


def _begins(ciphers: Sequence[int], first: tuple[int, ...]) -> bool:
    if first == (_GREASE,):
        return bool(ciphers) and ciphers[0] & 0x0F0F == _GREASE
    return tuple(ciphers[: len(first)]) == first


def advice(host: str, runtime: Runtime | None, file: str) -> str:
    """The line about a client that refused the certificate of `host`; `file` is the CA's."""
    owner = _owner(Path(file).parent)
    remedies = {
        each.name: each.remedy.replace("{ca}", file).replace("{owner}", owner)
        for each in RUNTIMES
        if runtime in (None, each)
    }
    named = "; ".join(f"{name}: {remedy}" for name, remedy in remedies.items())
    looks = f"It looks like {named}" if runtime else named
    return f"a client refused the certificate for {host}: it does not trust {owner}'s CA. {looks}"


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
        if any(word in str(failure).upper() for word in _REFUSALS):
            self.refused(host, agent, () if failure.hello is None else failure.hello.ciphers)
