"""Query strings: the input that one is, and what in it speaks to the platform (PROTOCOL.md section 2.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

PLATFORM_PARAMETERS = frozenset({"fal_webhook", "fal_max_queue_length", "fal_jwt_token", "priority", "_subdomain"})
"""Query parameters that speak to the platform, so are no part of the input (PROTOCOL.md section 2.2)."""


def parameters(query: str) -> dict[str, Any]:
    """The input that a query string is, less what speaks to the platform."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return {name: value for name, value in pairs if name not in PLATFORM_PARAMETERS}
