"""falmock's own CA, which can sign certificates for fal's hosts alone."""
