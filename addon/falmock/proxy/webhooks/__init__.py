"""Posts webhooks: which addresses they go to, the connection to those, and the key that signs them."""
