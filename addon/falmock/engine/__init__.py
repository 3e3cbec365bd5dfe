"""Decides how each call is answered; holds jobs, uploads, sequence counts and the journal. No I/O, no clock."""
