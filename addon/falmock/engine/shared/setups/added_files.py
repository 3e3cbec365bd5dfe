"""Files of added fixtures in a store: a URL names its content but no scope, so a record says where each file was added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from falmock.engine.files.added import AddedAssets
from falmock.engine.shared import setup as setups
from falmock.engine.shared.current import Current
from falmock.engine.shared.forms import Form
from falmock.engine.shared.place import Place
from falmock.engine.shared.setups.batches import Batches
from falmock.fixtures.model import Asset

FEW = 50
"""With how many users of one file those that are over are looked for."""
_ALL = "*"
"""In place of the scope: all scopes. A tag has no star."""


class User(NamedTuple):
    """A batch with a file: its scope (see `setup.tag`), the generation of that, and the digest of the batch."""

    scope: str
    generation: int
    digest: str


class Users(NamedTuple):
    """The batches that a file was added with, the last one at the end. Some of them may be removed."""

    users: tuple[User, ...]


_USERS = Form("file of added fixtures", 1, Users)


class SharedAddedAssets(AddedAssets):
    """See AddedAssets. Whether a file is there is what the setups of the scopes say, by whichever falmock it was added."""

    def __init__(self, current: Current, batches: Batches) -> None:
        super().__init__()
        self._current = current
        self._batches = batches

    def _place(self, scope: str) -> Place:
        return Place(self._current, setups.of_tag(scope) if scope != _ALL else "", setups.KEPT)

    def note(self, sha256: str, place: Place, digest: str, *, of_all: bool) -> None:
        """A file is added with a batch to the scope of `place`, or to all scopes. Raises NotLoaded."""
        key, users = self._added_with(place, sha256)
        if len(users) >= FEW:
            scopes = [setups.setup_key(setups.of_tag(user.scope)) for user in users if user.scope != _ALL]
            place.transaction.load_together(scopes)
            users = [user for user in users if self._key_of(user) is not None]
        user = User(_ALL, 0, digest) if of_all else User(setups.tag(place.scope), place.setup.generation, digest)
        if user not in users:
            place.transaction.put(key, _USERS.write(Users((*users, user))), place.kept)
        if not place.common.has_files:
            place.change_common(has_files=True)

    def keep(self, sha256: str, place: Place) -> None:
        """Keep the record of a file that is in use. Raises NotLoaded."""
        key, users = self._added_with(place, sha256)
        if users:
            place.transaction.put(key, _USERS.write(Users(tuple(users))), place.kept)

    def get(self, sha256: str) -> Asset | None:
        """See AddedAssets. Raises NotLoaded."""
        if not self._current.is_deciding:
            return super().get(sha256)
        place = self._place("")
        if not place.common.has_files:
            return None
        for digest, key in self._there(self._added_with(place, sha256)[1]):
            known = super().get(sha256)
            if known is not None:
                return known
            return self._batches.batches(place.transaction, {digest: key})[0].assets.get(sha256)
        return None

    def _added_with(self, place: Place, sha256: str) -> tuple[str, list[User]]:
        key = place.common_key("file", sha256)
        found = place.transaction.value(key, _USERS.read)
        return key, [] if found is None else list(found.users)

    def _there(self, users: list[User]) -> Iterator[tuple[str, str]]:
        """The digests and the keys of the batches that are there, the last added first."""
        for user in reversed(users):
            key = self._key_of(user)
            if key is not None:
                yield user.digest, key

    def _key_of(self, user: User) -> str | None:
        """The key of the batch of a user; None if it was removed. Raises NotLoaded."""
        place = self._place(user.scope)
        is_of_all = user.scope == _ALL
        if not is_of_all and place.setup.generation != user.generation:
            return None
        batches = place.common.batches if is_of_all else place.setup.batches
        if all(each.digest != user.digest for each in batches):
            return None
        return place.common_key("batch", user.digest) if is_of_all else place.key("batch", user.digest)
