"""What was set up in a scope: the record that every call in it depends on."""

from __future__ import annotations

from typing import ClassVar
from typing import NamedTuple

from falmock.engine.shared.forms import Form
from falmock.engine.shared.transaction import SETUP


class SetupForm(NamedTuple):
    """See Setup."""

    generation: int = 0
    """Counts the resets of the scope."""
    journal: int = 0
    """Counts how often its journal was cleared since."""


class Setup(SetupForm):
    """What was set up in one scope. It is small: its content is in other records, which never change."""

    NONE: ClassVar[Setup]

    @classmethod
    def read(cls, data: bytes) -> Setup:
        """The setup of these bytes. Raises UnknownForm."""
        return cls(*_FORM.read(data))

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return _FORM.write(SetupForm(*self))


Setup.NONE = Setup()
_FORM = Form("setup", 1, SetupForm)


def setup_key(scope: str) -> str:
    """The key of the record of a scope."""
    return f"{{{scope}}}{SETUP}"
