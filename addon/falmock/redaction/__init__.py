"""Hides secrets: those with known names, with known shapes, and those learned from the traffic."""
