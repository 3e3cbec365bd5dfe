"""Tells in JSON what a fal client gave an app, statuses and errors, and what a download did."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

import httpx
from fal_client import FalClientError
from fal_client import FalClientHTTPError
from fal_client import FalClientTimeoutError
from fal_client import Status


def told(value: Any) -> Any:
    """A status with its kind, an error with what an app can read off it; anything else as it is."""
    if isinstance(value, Status):
        return {"kind": type(value).__name__, **asdict(value)}
    if isinstance(value, FalClientError):
        return {"raised": type(value).__name__, **_read_off(value)}
    return value


def _read_off(error: FalClientError) -> dict[str, Any]:
    if isinstance(error, FalClientHTTPError):
        return {"status": error.status_code, "message": error.message, "error_type": error.error_type}
    if isinstance(error, FalClientTimeoutError):
        return {"request_id": error.request_id}
    return {"message": str(error)}


def downloaded(answer: httpx.Response) -> dict[str, Any]:
    """What came of a download."""
    return {
        "status": answer.status_code,
        "type": answer.headers.get("content-type"),
        "size": len(answer.content),
        "sha256": hashlib.sha256(answer.content).hexdigest(),
    }
