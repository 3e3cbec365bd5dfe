"""Connections to hosts that are not fal's."""
