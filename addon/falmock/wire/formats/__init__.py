"""General formats: JSON text, server-sent events, WebSocket frames, media types, image sizes, regexes, UUIDs."""
