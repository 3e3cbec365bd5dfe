"""Bytes that may be JSON: they are JSON exactly where the standard library says so, and numbers are kept."""

from __future__ import annotations

import json
from typing import Any

from falmock.wire.formats import jsontext
from fuzz.strategies import json_texts

CASES = json_texts.RAW


def _standard(raw: bytes) -> Any:
    """What the standard library reads, without what RFC 8259 does not have: constants, and keys that occur twice."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    return json.loads(raw.decode("utf-8-sig"), parse_constant=refuse, object_pairs_hook=unique)


def check(raw: bytes) -> None:
    try:
        expected = _standard(raw)
    except (ValueError, RecursionError):
        for reads in (jsontext.loads, jsontext.loads_exact):
            try:
                reads(raw)
            except jsontext.BadJSON as error:
                assert 0 <= error.position <= len(raw)
                assert str(error)
            else:
                raise AssertionError("it is read, and is not JSON")
        return
    assert repr(jsontext.loads(raw)) == repr(expected)
    exact = jsontext.loads_exact(raw)
    for indent in (None, 2):
        written = jsontext.dump_exact(exact, indent=indent)
        assert repr(jsontext.loads_exact(written.encode())) == repr(exact)
    for dump in (jsontext.dump_queue, jsontext.dump_model):
        _standard(dump(exact))  # JSON, whatever its numbers
        _standard(dump(expected))
