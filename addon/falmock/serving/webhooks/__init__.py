"""Posts webhooks without mitmproxy: when, to which addresses, over which connection, and the key that signs them."""
