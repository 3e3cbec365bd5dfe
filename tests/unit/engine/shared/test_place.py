"""Keys of records by the generation of a scope, which a reset makes another one."""

from __future__ import annotations

from falmock.engine.shared.current import Current
from falmock.engine.shared.place import Place
from falmock.engine.shared.transaction import Transaction


def test_a_reset_of_one_or_of_all_gives_other_keys() -> None:
    current = Current()
    place, other = Place(current, "a", 60), Place(current, "b", 60)
    transaction = Transaction(1000.0, {"{a}:setup": None, "{b}:setup": None, "{}:all:setup": None})

    def decide(_: float) -> None:
        keys = [place.key("job", "1")]
        place.reset()
        keys.append(place.key("job", "1"))
        place.change_common(epoch=1)
        keys.append(place.key("job", "1"))
        place.reset()
        keys.append(place.key("job", "1"))
        assert keys == ["{a}:0.0:job:1", "{a}:0.1:job:1", "{a}:1.0:job:1", "{a}:1.1:job:1"]
        assert other.key("jobs") == "{b}:1.0:jobs"
        assert place.common_key("scopes") == "{}:1:scopes"

    current.decide(transaction, decide)


def test_what_was_set_up_before_a_reset_of_all_is_not_there() -> None:
    current = Current()
    place = Place(current, "a", 60)

    def decide(_: float) -> None:
        place.change(exists=True, pace="manual")
        assert (place.setup.exists, place.setup.pace, place.setup.written) == (True, "manual", 1000.0)
        place.change_common(epoch=1)
        assert (place.setup.exists, place.setup.pace) == (False, None)

    current.decide(Transaction(1000.0, {"{a}:setup": None, "{}:all:setup": None}), decide)
