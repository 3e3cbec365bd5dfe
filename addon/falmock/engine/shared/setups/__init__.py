"""What tests set up in the scopes of a store: fixtures, faults, the pace, aliases, resets."""
