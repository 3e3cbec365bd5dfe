"""Query strings as inputs of models (PROTOCOL.md section 2.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

PLATFORM_PARAMETERS = frozenset({"fal_webhook", "fal_max_queue_length", "fal_jwt_token", "priority", "_subdomain"})
"""Parameters for the platform, which are not part of the input (PROTOCOL.md section 2.2)."""


def parameters(query: str) -> dict[str, Any]:
    """The input in a query string: its parameters except those for the platform."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return {name: value for name, value in pairs if name not in PLATFORM_PARAMETERS}
