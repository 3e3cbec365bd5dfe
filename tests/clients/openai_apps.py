"""Apps with OpenAI's own SDKs that call falmock, and schemas of their models."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from clients import running
from clients.running import CLIENTS
from clients.running import ROOT
from clients.running import Mitmdump

App = Callable[..., Any]
SHIPPED = ROOT / "fixtures"
ASSETS = SHIPPED / "_assets"
_PROGRAMS = CLIENTS / "programs"


def opened(program: str, mock: Mitmdump, key: str = "sk-anything") -> AbstractContextManager[App]:
    """One of the apps. Its only setup is the base URL and a key; it uses no proxy."""
    return running.app(_PROGRAMS / program, mock, OPENAI_BASE_URL=f"{mock.proxy}/v1", OPENAI_API_KEY=key, NO_PROXY="*")


def schema_of(endpoint: str, properties: dict[str, Any]) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}}
    return {
        "openapi": "3.0.4",
        "paths": {f"/{endpoint}": {"post": {"requestBody": body}}},
        "components": {"schemas": {"Input": {"type": "object", "properties": properties}}},
    }
