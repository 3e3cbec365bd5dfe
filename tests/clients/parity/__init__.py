"""Sends bytes to a falmock and tells what comes back, so that two can be compared to the last header."""
