"""Writes recordings to disk so that a crash does not damage them."""
