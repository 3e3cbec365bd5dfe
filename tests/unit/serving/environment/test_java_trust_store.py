"""The trust store as keytool reads it: tests/clients/test_runtimes.py has a JVM use one."""

from __future__ import annotations

import hashlib

from falmock.serving.environment.java_trust_store import trust_store


def test_its_bytes() -> None:
    data = trust_store([b"DER1", b"DER two"])
    assert data[:12] == bytes.fromhex("feedfeed 00000002 00000002")
    entry = b"\0\0\0\x02" + b"\0\x010" + bytes(8) + b"\0\x05X.509" + b"\0\0\0\x04DER1"
    assert data[12 : 12 + len(entry)] == entry
    assert data[12 + len(entry) : -20].endswith(b"\0\x05X.509\0\0\0\x07DER two")
    salted = "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + data[:-20]
    assert data[-20:] == hashlib.sha1(salted, usedforsecurity=False).digest()


def test_an_empty_one() -> None:
    assert len(trust_store([])) == 12 + 20
