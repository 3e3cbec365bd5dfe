"""The inspector: the page at `/__falmock/`, on which people see and steer what falmock does."""
