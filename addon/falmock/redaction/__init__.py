"""What must never be shown: secrets by name, by shape and by sight, and how they are hidden."""
