"""What is asked and what is answered, and the forms in which fal's surfaces word their JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from http import client
from typing import Any
from urllib.parse import parse_qsl

REASONS = client.responses | {422: "Unprocessable Entity", 499: "Client Closed Request"}
FAL = (("Strict-Transport-Security", "max-age=31536000; includeSubDomains"), ("X-Robots-Tag", "noindex"))
"""Headers of everything that fal's gateway lets out."""


@dataclass(frozen=True)
class Asked:
    """A request as it arrived. Header names are in lower case, repeated headers joined by a comma."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    address: str = field(default="127.0.0.1", repr=False)

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")

    @property
    def line(self) -> str:
        """Method, host and path: what `Trouble.where` is held against."""
        return f"{self.method} {self.host}{self.path}"

    @property
    def parameters(self) -> dict[str, str]:
        """The query; of a repeated name the last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body; raises ValueError when it is no JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """A response. A body in pieces is sent in chunks, or as it is when `length` tells how long it will be."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterable[bytes] = b""
    length: int | None = None

    def having(self, *headers: tuple[str, str]) -> Answer:
        return replace(self, headers=(*self.headers, *headers))

    @property
    def reason(self) -> str:
        return REASONS.get(self.status, "Unknown")

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else b"".join(self.body)


def gateway(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    """As the queue, the storage API and refusals are worded: spaces after the separators, all in ASCII."""
    head = ("Content-Type", "application/json; charset=utf-8")
    return Answer(status, (head, *headers, *FAL), json.dumps(value).encode())


def compact(value: Any) -> bytes:
    """As models word their answers: no spaces, UTF-8 as it is."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(value, separators=(",", ":")).encode()


def model(value: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    """A model's answer in JSON; the gateway adds its own headers when it lets it out."""
    return Answer(status, (("Content-Type", "application/json"), *headers), compact(value))


def platform_error(status: int, error_type: str, detail: str, *headers: tuple[str, str]) -> Answer:
    """An error of fal's own machinery around the model."""
    value = {"detail": detail, "error_type": error_type}
    return gateway(status, value, ("X-Fal-Error-Type", error_type), *headers)


def nginx(status: int) -> Answer:
    """A failure in front of the gateway: HTML, and no request id."""
    title = f"{status} {REASONS[status].replace('Gateway Timeout', 'Gateway Time-out')}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Answer(status, (("Server", "nginx"), ("Content-Type", "text/html")), page.encode())


def preflight(asked: Asked) -> Answer:
    """What a browser asks before it calls another origin."""
    origin = asked.headers.get("origin", "*")
    headers = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("access-control-allow-headers", asked.headers.get("access-control-request-headers", "*")),
        ("access-control-max-age", "600"),
        ("vary", "Origin"),
    )
    return Answer(200, headers, b"OK")


def shared(asked: Asked, answer: Answer) -> Answer:
    """The answer as a page of another origin may read it."""
    if "origin" not in asked.headers or any(name == "access-control-allow-origin" for name, _ in answer.headers):
        return answer
    return answer.having(
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "*"),
    )
