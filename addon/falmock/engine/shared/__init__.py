"""State that several falmocks share: the parts of a scope as views of a transaction, which a store keeps."""
