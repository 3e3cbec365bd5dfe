"""The files that make programs trust the CA, kept in its folder.

Runtimes want different ones: some replace the CAs that they trust, and need a bundle with all; some add to them. What the
user has set counts: its certificates are in the new files too. They are written when what they are made of has changed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from pathlib import PurePath
from typing import NamedTuple

from falmock.recording.disk import atomic
from falmock.serving.environment.java_trust_store import trust_store
from falmock.serving.trust import CA_FILE

BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables that name all CAs that a program trusts."""
EXTRAS = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
"""The variables that name CAs which a program trusts besides its own."""
HOOKS = Path(__file__).parent / "hooks"
"""What runtimes load at their start."""
SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS
)
"""Where systems keep the CAs that they trust."""
_FOLDER = "falmock-trust"
_STAMP = "made-of.json"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_PUBLIC = 0o644


class TrustFiles(NamedTuple):
    """The CA's certificate, and what is made of it: `php` and `hooks` are folders."""

    ca: PurePath
    bundle: PurePath
    extra: PurePath
    java: PurePath
    php: PurePath
    hooks: PurePath = HOOKS
    warnings: tuple[str, ...] = ()


class _Source(NamedTuple):
    """A file with certificates, and how to tell that it is another one than before."""

    path: str
    changed: int
    size: int


def write(confdir: Path, current: Mapping[str, str], system: Iterable[str] = SYSTEM) -> TrustFiles:
    """The files for a program with these variables; those that are missing or out of date are written. Raises OSError."""
    ca = confdir / CA_FILE
    warnings: list[str] = []
    bundles = _users(BUNDLES, current, confdir, warnings)
    extras = _users(EXTRAS, current, confdir, warnings)
    own = _source(ca)
    # A variable that is not set stands for the CAs of the system, or those that come with Python packages.
    replaced = bundles if all(current.get(name) for name in BUNDLES) else [*bundles, *_defaults(system)]
    if not replaced:
        warnings.append(
            "no file with the CAs of this system was found: programs for which falmock sets SSL_CERT_FILE trust its CA alone"
        )
    folder = confdir / _FOLDER
    if bundles or extras:
        names = "\n".join(source.path for source in (*bundles, _NONE, *extras))
        folder = folder.with_name(f"{_FOLDER}-{hashlib.sha256(names.encode()).hexdigest()[:8]}")
    extra = folder / "extra.pem" if extras else ca
    files = TrustFiles(ca, folder / "bundle.pem", extra, folder / "java.jks", folder / "php", warnings=tuple(warnings))
    stamp = json.dumps([replaced, extras, own])
    if not _is_current(folder, stamp, files):
        _write(folder, stamp, files, _certificates([*replaced, own]), _certificates([*extras, own]))
    return files


_NONE = _Source("", 0, 0)


def _source(path: Path | str) -> _Source:
    found = os.stat(path)  # noqa: PTH116
    return _Source(str(path), found.st_mtime_ns, found.st_size)


def _users(names: Iterable[str], current: Mapping[str, str], confdir: Path, warnings: list[str]) -> list[_Source]:
    """The files that the user has set, but for ours: a falmock may run within another one's environment."""
    found = {}
    for name in names:
        path = Path(current.get(name, ""))
        if not current.get(name) or confdir in path.parents:
            continue
        try:
            with path.open("rb"):
                found[path] = _source(path.absolute())
        except OSError as error:
            warnings.append(
                f"{name}={path} cannot be read ({error.strerror}): the program trusts falmock's CA and the system's"
            )
    return list(found.values())


def _defaults(system: Iterable[str]) -> list[_Source]:
    files = [path for path in system if Path(path).is_file()][:1]
    package = find_spec("certifi")
    if package is not None and package.origin is not None:
        files.append(str(Path(package.origin).with_name("cacert.pem")))
    return [_source(path) for path in files if Path(path).is_file()]


def _certificates(sources: Iterable[_Source]) -> list[bytes]:
    """The certificates of all files in DER, each once."""
    texts = (text for source in sources for text in _CERTIFICATE.findall(Path(source.path).read_bytes()))
    return list(dict.fromkeys(base64.b64decode(text) for text in texts))


def _is_current(folder: Path, stamp: str, files: TrustFiles) -> bool:
    try:
        return (folder / _STAMP).read_text("utf-8") == stamp and all(
            Path(path).exists() for path in (files.bundle, files.extra, files.java, files.php)
        )
    except OSError:
        return False


def _write(folder: Path, stamp: str, files: TrustFiles, bundle: list[bytes], extra: list[bytes]) -> None:
    php = Path(files.php)
    php.mkdir(parents=True, exist_ok=True)
    atomic.write_whole(Path(files.bundle), _pem(bundle), _PUBLIC)
    if files.extra != files.ca:
        atomic.write_whole(Path(files.extra), _pem(extra), _PUBLIC)
    atomic.write_whole(Path(files.java), trust_store(bundle), _PUBLIC)
    named = _ini_text(str(files.bundle))
    atomic.write_whole(php / "falmock.ini", f"curl.cainfo={named}\nopenssl.cafile={named}\n".encode(), _PUBLIC)
    atomic.write_whole(folder / _STAMP, stamp.encode(), _PUBLIC)  # the last: it says that all others are there


def _pem(certificates: Iterable[bytes]) -> bytes:
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(each) + b"-----END CERTIFICATE-----\n"
        for each in certificates
    )


def _ini_text(text: str) -> str:
    """A text as PHP reads it: single quotes hold all but themselves."""
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
