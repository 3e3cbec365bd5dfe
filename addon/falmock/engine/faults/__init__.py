"""Faults: which one a call meets, and what it does to jobs, replies, sockets and streams."""
