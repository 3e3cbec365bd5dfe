"""How runs fail: in the model, or in front of it."""

from __future__ import annotations

from typing import Any

from clients.upstream.messages import Answer
from clients.upstream.messages import gateway
from clients.upstream.messages import model
from clients.upstream.messages import nginx
from clients.upstream.messages import platform_error

UNBILLED = ("x-fal-billable-units", "0")
BUSY = {
    "detail": "Reached concurrent requests limit of 20",
    "type": "concurrent_requests_limit",
    "data": {"limit": 20},
}
LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


def detail(kind: str, field: str, message: str, given: Any, status: int = 422, **more: Any) -> Answer:
    """A model's error as a list of details."""
    item = {"loc": ["body", field], "msg": message, "type": kind, "input": given, **more}
    return model({"detail": [item | {"url": f"https://docs.fal.ai/errors/#{kind}"}]}, status, UNBILLED)


def of_model(name: str, given: Any) -> Answer:
    """A failure of the model's own, served as the result of a job and as the answer of a run."""
    made = {
        "missing": detail("missing", "prompt", "Field required", given),
        "policy": detail("content_policy_violation", "prompt", "The content could not be processed.", given),
        "too-small": detail(
            "image_too_small", "image_url", "Image too small", given, ctx={"min_height": 64, "min_width": 64}
        ),
        "downstream": detail("downstream_service_error", "prompt", "Downstream service error", given, 500),
        "generation-timeout": detail("generation_timeout", "prompt", "Generation timeout", given, 504),
        "500": model({"detail": "Internal Server Error"}, 500),
        "404": model({"detail": "no such style"}, 404),
        "418": model({"detail": "a teapot, é"}, 418, ("X-Fal-Needs-Retry", "false")),
        "text": Answer(500, (("Content-Type", "text/plain; charset=utf-8"),), "kaputt: größer".encode()),
        "timeout": platform_error(504, "request_timeout", "Request timed out"),
        "user-timeout": timed_out_for_user(),
        "runner": platform_error(503, "runner_disconnected", "Runner disconnected", ("X-Fal-Needs-Retry", "true")),
    }
    assert name in made, f"no such failure: {name}, expected one of {', '.join(made)}"
    return made[name]


def timed_out_for_user() -> Answer:
    """The deadline that the client set has passed before the run began."""
    user = ("X-Fal-Request-Timeout-Type", "user")
    return platform_error(504, "request_timeout", "Request timed out", user)


def cancelled() -> Answer:
    """What came of a job that its client had stopped."""
    return platform_error(499, "client_cancelled", "Request was cancelled")


def refusal(name: str) -> Answer:
    """A refusal at the gate: of a run, and of a submit."""
    made = {
        "key": gateway(401, {"detail": "No user found for Key ID and Secret"}),
        "malformed-key": gateway(
            401, {"detail": "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."}
        ),
        "locked": gateway(403, {"detail": LOCKED}),
        "busy": gateway(429, BUSY, ("X-Fal-needs-retry", "1")),
        "nginx-502": nginx(502),
        "nginx-503": nginx(503),
        "nginx-504": nginx(504),
        "scheduling": platform_error(503, "runner_scheduling_failure", "No runner could be scheduled"),
        "bad-request": platform_error(400, "bad_request", "Bad request"),
        "internal": platform_error(500, "internal_error", "Internal error"),
    }
    assert name in made, f"no such refusal: {name}, expected one of {', '.join(made)}"
    return made[name]
