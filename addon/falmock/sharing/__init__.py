"""State in a store that several falmocks share: what waits for the store, so that the engine need not."""
