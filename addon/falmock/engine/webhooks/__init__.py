"""Webhooks: when each delivery is due, what is posted, and what the answer leads to."""
