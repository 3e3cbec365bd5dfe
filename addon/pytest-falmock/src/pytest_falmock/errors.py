"""What can go wrong, for people who run tests."""

from __future__ import annotations


class FalmockError(Exception):
    """falmock cannot do what a test or the command line asks for. The text says what, where, and what to do."""
