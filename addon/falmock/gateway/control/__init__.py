"""The control API at `/__falmock/`: requests and answers in JSON."""
