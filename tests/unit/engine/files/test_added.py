"""Files that exist while at least one scope has added them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.files.added import AddedAssets
from falmock.fixtures.model import Asset

ASSETS = {name: Asset(name, name, "image/png", 1, data=b"x") for name in "abc"}


@given(st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from("abc"))), max_size=12))
def test_a_file_is_there_while_somebody_lends_it(steps: list[tuple[bool, set[str]]]) -> None:
    added_assets, lenders = AddedAssets(), Counter[str]()
    for lends, names in steps:
        if lends:
            added_assets.add_assets(ASSETS[name] for name in names)
            lenders.update(names)
        else:
            theirs = {name for name in names if lenders[name]}  # nobody takes back what was not lent
            added_assets.remove_assets(ASSETS[name] for name in theirs)
            lenders.subtract(theirs)
        assert {name for name in "abc" if added_assets.get(name) is ASSETS[name]} == set(+lenders)
