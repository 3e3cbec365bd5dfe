"""Turns observed traffic into entries of fixture files."""
