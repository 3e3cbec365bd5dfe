"""Runs a program beside a falmock of its own. Nothing here imports what only a server needs."""
