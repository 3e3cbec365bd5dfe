"""The inspector: a page for people that shows jobs, media and misses. It does everything through the control API."""
