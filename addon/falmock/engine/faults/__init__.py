"""Faults: selects the fault for a call, and applies it to jobs, replies, sockets and streams."""
