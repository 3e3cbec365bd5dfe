"""The door for aimock's clients: its routes, its dialect, its control API."""
