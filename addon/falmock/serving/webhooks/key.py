"""The key that signs webhooks: made once, and kept beside the CA."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from falmock.engine.webhooks.request import NoKey
from falmock.serving.key_file import make_once
from falmock.serving.key_file import protect

FILE = "falmock-webhook-key.pem"


def kept_in(confdir: Path) -> Ed25519PrivateKey:
    """The key in this folder; makes one if there is none. Only its owner may read the file. Raises NoKey."""
    path = confdir / FILE
    try:
        if not path.exists():
            _make(path)
        protect(
            path, "the key of webhooks", "Whoever has copied it can sign webhooks: remove it, and a new key is made"
        )
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
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    make_once(path, text)
