"""All doors show the same job consistently."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import Reply
from falmock.gateway.openai import errors
from unit.gateway.all_doors import APP
from unit.gateway.all_doors import MODEL
from unit.gateway.all_doors import World

QUEUE = "queue.fal.run"


class Seen(NamedTuple):
    """The answer about a job, without the parts that depend on the route."""

    status: int
    body: Any
    request_id: str
    units: str


Asks = Callable[[World, str, str, Any], Reply]
"""From a world, method, path on fal's queue host and body to the answer."""


def older(world: World, method: str, path: str, body: Any) -> Reply:
    start = (
        f"/fal/queue/submit{path}"
        if "/requests/" not in path
        else f"/fal/queue/requests{path.partition('/requests')[2]}"
    )
    return world.direct(method, start, body)


DOORS: dict[str, Asks] = {
    "the proxy": lambda world, method, path, body: world.proxied(method, f"https://{QUEUE}{path}", body),
    "fal's backup host": lambda world, method, path, body: world.proxied(
        method, f"https://queue.falrun.com{path}", body
    ),
    "aimock's header routes": lambda world, method, path, body: world.direct(
        method, f"/fal{path}", body, x_fal_target_host=QUEUE
    ),
    "aimock's routes by path": lambda world, method, path, body: world.direct(method, f"/fal/@{QUEUE}{path}", body),
    "aimock's older routes": older,
    "the server-side proxy": lambda world, method, path, body: world.direct(
        method, "/api/fal/proxy", body, x_fal_target_url=f"https://{QUEUE}{path}"
    ),
}
doors = st.sampled_from(sorted(DOORS))


def seen(reply: Reply) -> Seen:
    headers = {name.decode().lower(): value.decode() for name, value in reply.headers}
    assert isinstance(reply.body, bytes)
    told = (headers.get(name, "") for name in ("x-fal-request-id", "x-fal-billable-units"))
    return Seen(reply.status, json.loads(reply.body), *told)


def steered(world: World, job: str, end: str = "", method: str = "POST") -> Any:
    reply = world.direct(method, f"/__falmock/jobs/{job}{end}")
    assert isinstance(reply.body, bytes)
    return reply.status, json.loads(reply.body)


STEPS = {"status": ("GET", "/status"), "result": ("GET", ""), "cancel": ("PUT", "/cancel")}
MOVES = ("/advance", "/hold", "/release", "/complete", "/fail")


@given(
    doors,
    st.sampled_from(["polls:2,4", "instant", "manual", "2s"]),
    st.lists(st.tuples(doors, st.sampled_from([*STEPS, *MOVES, "look", "erase"])), max_size=12),
)
def test_by_whatever_door_it_is_submitted_asked_for_and_moved(
    entered: str, pace: str, steps: list[tuple[str, str]]
) -> None:
    """The same steps get the same answers by any door as through the proxy."""
    one, other = World(pace), World(pace)
    submitted = seen(DOORS[entered](one, "POST", f"/{MODEL}", {"prompt": "x"}))
    assert submitted == seen(DOORS["the proxy"](other, "POST", f"/{MODEL}", {"prompt": "x"}))
    job = submitted.body["request_id"]
    for door, step in steps:
        one.now, other.now = one.now + 0.3, other.now + 0.3
        if step in STEPS:
            method, end = STEPS[step]
            path = f"/{APP}/requests/{job}{end}"
            assert seen(DOORS[door](one, method, path, None)) == seen(DOORS["the proxy"](other, method, path, None))
        elif step == "erase":
            url = f"https://api.fal.ai/v1/models/requests/{job}/payloads"
            assert seen(one.proxied("DELETE", url)) == seen(other.proxied("DELETE", url))
        elif step == "look":
            assert steered(one, job, method="GET") == steered(other, job, method="GET")
        else:
            assert steered(one, job, step) == steered(other, job, step)
    assert [entry.job for entry in one.engines.common.scope.journal if entry.job] == [job]


@pytest.mark.parametrize("door", sorted(DOORS))
@pytest.mark.parametrize("end", ["/complete", "/fail", "cancel"])
def test_the_job_behind_the_openai_images_api_is_one_of_them(door: str, end: str) -> None:
    """While its client waits, all others see the job move, and the client gets its end, whoever causes it."""
    world = World("manual")
    steps = iter(["/advance", "", end])
    words: list[str] = []
    ids: list[str] = []

    def while_it_waits() -> None:
        (job,) = world.engines.common.scope.jobs.all(world.now)
        ids.append(job.request_id)
        of_job = f"/{APP}/requests/{job.request_id}"
        words.append(seen(DOORS[door](world, "GET", f"{of_job}/status", None)).body["status"])
        step = next(steps)
        if step == "cancel":
            DOORS[door](world, "PUT", f"{of_job}/cancel", None)
        elif step:
            steered(world, job.request_id, step)

    # The door waits inside a loop of its own: what others do meanwhile is done beside it.
    world.pauses = lambda: _beside(while_it_waits)
    reply = world.direct("POST", "/v1/images/generations", {"model": MODEL, "prompt": "x"})
    assert words == ["IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS"]
    result = seen(DOORS[door](world, "GET", f"/{APP}/requests/{ids[0]}", None))
    assert isinstance(reply.body, bytes)
    if end == "/complete":
        assert (reply.status, result.status, result.request_id) == (200, 200, ids[0])
        assert (b"x-request-id", ids[0].encode()) in reply.headers
    else:
        assert (reply.status, result.status) == ((500, 499) if end == "cancel" else (500, 500))
        assert (errors.NO_RETRY in reply.headers) is (end == "cancel")  # the client no longer waits
        assert json.loads(reply.body)["error"]["message"] in json.dumps(result.body)


def _beside(act: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(act).result()
