"""A FastAPI app with one endpoint, as fal's apps are, over ASGI: the judge of what falmock says about inputs."""

from __future__ import annotations

import asyncio
from typing import Any
from typing import Self

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

JSON = {"content-type": "application/json"}


class Judge:
    """The app of one class. `accepted` is the input that it took last."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.accepted: BaseModel | None = None
        app = FastAPI()

        async def run(given: Any) -> dict[str, Any]:
            self.accepted = given
            return {}

        run.__annotations__["given"] = model
        app.post("/")(run)
        # FastAPI's own failures are answers of 500, as its servers send.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://app")
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def answer(self, raw: bytes) -> tuple[int, bytes]:
        """The status and the body for a body that is sent as JSON."""
        self.accepted = None
        response = self._runner.run(self._client.post("/", content=raw, headers=JSON))
        return response.status_code, response.content


def comparable(value: Any) -> Any:
    """A dumped model as `Checked.value` has it."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, set):
        return sorted(map(comparable, value), key=repr)
    if isinstance(value, bytes):
        return value.decode()
    return value if value is None or isinstance(value, str | int | float) else str(value)
