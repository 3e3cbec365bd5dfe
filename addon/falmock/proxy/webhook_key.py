"""The key that signs webhooks: made once, and kept beside mitmproxy's CA."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from falmock.engine.webhooks.request import NoKey

FILE = "falmock-webhook-key.pem"


def kept_in(confdir: Path) -> Ed25519PrivateKey:
    """The key in this folder; makes one if there is none. Raises NoKey."""
    path = confdir / FILE
    try:
        if not path.exists():
            _make(path)
        text = path.read_bytes()
    except OSError as error:
        raise NoKey(f"The key of webhooks cannot be kept in {path}: {error.strerror or error}") from None
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise NoKey(
            f"{path}: expected an ED25519 private key in PEM without a password, found something else. "
            "Remove the file, and a new key is made"
        )
    return key


def _make(path: Path) -> None:
    """Write a new key, unless another process is first: all must sign with the same key. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    handle, part = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(Path(part), path)
    finally:
        Path(part).unlink(missing_ok=True)


def _put_in_place(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)  # unlike a rename it fails where the file is there already
    except FileExistsError:
        return
    except OSError:  # a file system without links
        part.replace(path)
