"""What recordings are on disk, and how nothing of them is lost."""
