"""Decides what a call is answered with; owns jobs, uploads, sequences and the journal. No I/O, no clock."""
