"""The address of a store: where it is, and how it is spoken to."""
