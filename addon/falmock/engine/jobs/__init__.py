"""Queued jobs: one job, the table of jobs, their pace, and the views that clients have of them."""
