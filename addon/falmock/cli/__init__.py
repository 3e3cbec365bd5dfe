"""The command `falmock`."""
