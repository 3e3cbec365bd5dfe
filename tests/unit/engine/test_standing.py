"""The digest of fixtures, by which falmocks of one store see whether they have the same."""

from __future__ import annotations

from typing import Any

from falmock.engine.standing import fixtures_digest
from unit.engine.calls import index_of

ONE = {"match": {"model": "a/b", "input": {"n": 1}}, "response": {"json": {"n": 1}}}


def digest(*fixtures: dict[str, Any]) -> str:
    return fixtures_digest(index_of(*fixtures))


def test_it_tells_fixtures_apart() -> None:
    different = [
        (),
        (ONE,),
        (ONE, ONE),
        ({**ONE, "response": {"json": {"n": 2}}},),
        ({**ONE, "match": {"model": "a/b", "input": {"n": 2}}},),
        ({**ONE, "match": {**ONE["match"], "sequenceIndex": 1}},),
    ]
    assert len({digest(*each) for each in different}) == len(different)
    assert digest(ONE) == digest({**ONE})
