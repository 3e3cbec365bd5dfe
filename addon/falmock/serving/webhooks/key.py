"""The key that signs webhooks: made once, and kept beside mitmproxy's CA."""

from __future__ import annotations

import logging
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from falmock.engine.webhooks.request import NoKey
from falmock.serving.key_file import make_once
from falmock.serving.trust import mode_of

logger = logging.getLogger(__name__)
FILE = "falmock-webhook-key.pem"


def kept_in(confdir: Path) -> Ed25519PrivateKey:
    """The key in this folder; makes one if there is none. Only its owner may read the file. Raises NoKey."""
    path = confdir / FILE
    try:
        if not path.exists():
            _make(path)
        _protect(path)
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


def _protect(path: Path) -> None:
    """Take the rights of others to the file away. Raises OSError if it cannot be read."""
    mode = mode_of(path)
    if not mode & 0o077:
        return
    try:
        path.chmod(0o600)
        became = "It is 0600 now. Whoever has copied it can sign webhooks: remove it, and a new key is made"
    except OSError as error:
        became = f"It cannot be changed ({error.strerror}): set it to 0600"
    logger.warning("falmock: the key of webhooks, %s, had mode %04o: others could use it. %s", path, mode, became)


def _make(path: Path) -> None:
    """Write a new key, unless another process is first: all must sign with the same key. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    make_once(path, text)
