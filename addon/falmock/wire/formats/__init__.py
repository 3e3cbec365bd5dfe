"""Formats that are not fal's own: JSON text, server-sent events, WebSocket frames, media types, UUIDs."""
