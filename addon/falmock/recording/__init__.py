"""Turns real traffic into fixtures: what was seen on the wire goes in, entries of fixture files come out."""
