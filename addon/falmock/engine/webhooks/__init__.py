"""Webhooks: when each delivery is due, what is posted, and what follows from the answer."""
