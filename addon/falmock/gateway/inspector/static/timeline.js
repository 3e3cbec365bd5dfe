// Where jobs lie on an axis of time. Pure.
