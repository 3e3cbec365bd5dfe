"""The control API: `/__falmock/`, JSON in and out."""
