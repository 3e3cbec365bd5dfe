"""What a write-ahead log holds, and what of it is written again after a crash."""
