"""Delivers webhooks as fal does, signed, and serves the keys to check them with (PROTOCOL.md section 3.7)."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clients.upstream.messages import Answer
from clients.upstream.messages import gateway
from clients.upstream.queue import Job

USER = "github|110602490"
TICK = 0.02
AGAIN = 0.1
"""Seconds until the second attempt."""
ATTEMPTS = 2


@dataclass(frozen=True)
class Delivery:
    """An attempt; the status is 0 where nobody answered."""

    url: str
    headers: dict[str, str]
    body: bytes
    status: int


class Webhooks:
    """What is delivered, each in a thread of its own.

    `wait` lets time pass, and tells whether the server is stopping.
    """

    def __init__(self, wait: Callable[[float], bool]) -> None:
        self.attempts: list[Delivery] = []
        self._wait = wait
        self._key = Ed25519PrivateKey.generate()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def keys(self) -> Answer:
        """The JWKS."""
        told = base64.urlsafe_b64encode(self._key.public_key().public_bytes_raw()).decode().rstrip("=")
        return gateway(200, {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": told}]})

    def promise(self, job: Job, url: str) -> None:
        """Deliver a job to this URL when it is done."""
        threading.Thread(target=self._deliver, args=(job, url), daemon=True).start()

    def _deliver(self, job: Job, url: str) -> None:
        while job.word != "COMPLETED":
            if self._wait(TICK):
                return
        body = json.dumps(_told(job)).encode()
        for _ in range(ATTEMPTS):
            if self._attempt(job, url, body) or self._wait(AGAIN):
                return

    def _attempt(self, job: Job, url: str, body: bytes) -> bool:
        moment = str(int(time.time()))
        message = "\n".join((job.request_id, USER, moment, hashlib.sha256(body).hexdigest()))
        headers = {
            "Content-Type": "application/json",
            "X-Fal-Webhook-Request-Id": job.request_id,
            "X-Fal-Webhook-User-Id": USER,
            "X-Fal-Webhook-Timestamp": moment,
            "X-Fal-Webhook-Signature": self._key.sign(message.encode()).hex(),
        }
        status = 0
        try:
            with self._opener.open(urllib.request.Request(url, body, headers), timeout=10) as answer:
                status = answer.status
        except HTTPError as error:
            status = error.code
        except OSError:
            pass
        self.attempts.append(Delivery(url, headers, body, status))
        return 200 <= status < 300


def _told(job: Job) -> dict[str, Any]:
    answer = job.answer
    told: dict[str, Any] = {
        "error": None,
        "gateway_request_id": job.request_id,
        "payload": None,
        "payload_error": None,
        "request_id": job.request_id,
        "status": "OK" if answer.status < 400 else "ERROR",
    }
    try:
        told["payload"] = json.loads(answer.content)
    except ValueError:
        told["payload_error"] = (
            "Response payload is not JSON serializable. "
            "Either return a JSON serializable object or use the queue endpoint to retrieve the response."
        )
    if answer.status >= 400:
        told["error"] = f"Invalid status code: {answer.status}"
    return told
