"""Plays the calls of a group in `tests/golden` to a falmock, and tells the answers less what differs from run to run.

It needs to know where to connect and nothing else, so it can meet any falmock that has the group's options and files.
"""

from __future__ import annotations

from clients.golden.group import Group
from clients.golden.group import groups
from clients.golden.player import Player
from clients.golden.player import Where

__all__ = ["Group", "Player", "Where", "groups"]
