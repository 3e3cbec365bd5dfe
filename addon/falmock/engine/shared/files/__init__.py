"""Files that all falmocks of a store share."""
