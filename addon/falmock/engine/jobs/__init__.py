"""Queued jobs: one job, the table of jobs, their pace, and their status as clients see it."""
