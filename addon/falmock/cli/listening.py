"""What keeps a server from listening, in words."""

from __future__ import annotations

import errno

from falmock.serving.call_lines import address


def problem(host: str, port: int, error: Exception) -> str:
    """Why nothing can listen at this address, and what to do."""
    if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
        return f"cannot listen at {address(host, port)}: {error}"
    return (
        f"port {port} is taken at {host}: stop what listens there (another falmock or mitmproxy?), "
        "or choose a port with --port (0: any free one)"
    )
