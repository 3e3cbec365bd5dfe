"""Where state lives that several falmocks share: bytes under keys, in memory, Redis or Valkey."""
