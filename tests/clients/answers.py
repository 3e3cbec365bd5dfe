"""The fixtures that the tests of all real clients use, and checks of what the clients get.

The pace is `recorded`, so each fixture has its own timeline: some jobs take no time, one takes seconds, some take a minute.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
"""What the model returns."""
PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(255, -1, -1)) * 4
"""What the app uploads."""

AT_ONCE = {"started": 0, "completed": 0}
POSITIONS = [2, 1, 0]
LOGS = ["loading the model", "step 1 of 2", "step 2 of 2"]
STEP = 0.4
"""Seconds between two log lines, and between two queue positions."""

DETAIL = [
    {
        "type": "missing",
        "loc": ["body", "prompt"],
        "msg": "Field required",
        "url": "https://docs.pydantic.dev/2.10/v/missing",
        "input": {"steps": 3},
    }
]
"""fal's error for an input that the model refused."""

IDS = {
    "fal-ai/flux/dev/turbo": "fal-ai/flux",
    "workflows/acme/poster/draft": "workflows/acme/poster",
    "comfy/acme/graph": "comfy/acme/graph",
    "110602490-fast-sdxl": "110602490/fast-sdxl",
}
"""Endpoint ids in all forms, and the part of them in the URLs of their jobs."""


HOST = "fal.example.com"
"""A run host that is not fal's own."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fixture(model: str, answer: object, queue: dict[str, Any] = AT_ONCE, **match: object) -> dict[str, Any]:
    return {"match": {"model": model, **match}, "response": {"json": answer, "billableUnits": 1}, "queue": queue}


FIXTURES: list[dict[str, Any]] = [
    fixture(
        "fal-ai/flux/dev",
        {"images": [{"url": {"$file": "cat.png"}, "content_type": "image/png"}], "seed": 7},
        input={"prompt": "a cat é"},
        exact=True,
    ),
    fixture(
        "fal-ai/film",
        {"seconds": 4},
        {
            "positions": [{"at": place * STEP, "position": position} for place, position in enumerate(POSITIONS)],
            "started": 3 * STEP,
            "logs": [{"at": (3.2 + line) * STEP, "message": text} for line, text in enumerate(LOGS)],
            "completed": 6.2 * STEP,
            "inferenceTime": 1.25,
        },
    ),
    fixture("acme/waits", {"late": True}, {"started": 60, "completed": 60}),
    fixture("acme/late/*", {"late": True}, {"started": 60, "completed": 60}),
    fixture("acme/runs", {"stopped": False}, {"started": 0, "completed": 60}),
    fixture("acme/goes-on", {"stopped": False}, {"started": 0, "completed": 0.8, "cancel": "ignored"}),
    {
        "match": {"model": "acme/refuses"},
        "response": {
            "error": {
                "type": DETAIL[0]["type"],
                "message": DETAIL[0]["msg"],
                "loc": DETAIL[0]["loc"],
                "input": DETAIL[0]["input"],
            }
        },
        "queue": AT_ONCE,
    },
    fixture(
        "fal-ai/restyle",
        {"image": {"url": {"$file": "cat.png"}}},
        input={"image_url": {"$file": f"sha256:{sha256(PHOTO)}"}},
        exact=True,
    ),
    fixture("acme/look-up", {"found": 3}, method="GET", input={"name": "a b", "tags": "1,2"}, exact=True),
    fixture("acme/health", {"healthy": True}, method="GET", input={}, exact=True),
    *(fixture(model, {"answered": model}) for model in IDS),
]


@contextmanager
def mock(
    confdir: Path,
    folder: Path,
    *args: str,
    started: Callable[..., AbstractContextManager[Mitmdump]] = mitmdump,
) -> Iterator[Mitmdump]:
    """A mock with these fixtures, `started` as one that serves them. It must not contact any server, and must not fail."""
    assets = folder / "_assets"
    assets.mkdir(parents=True)
    (assets / "cat.png").write_bytes(PICTURE)
    fixtures = write_fixtures(folder, *FIXTURES)
    options = ("--set", "fal_pace=recorded", "--set", f"fal_hosts={HOST}")
    with started(confdir, *options, *args, fixtures=fixtures) as running:
        yield running
        for bad in ("server connect", "Traceback", "500 Internal Server Error"):
            assert bad not in running.output


def write_big(path: Path, size: int) -> Path:
    """Write a file of several parts, which all differ."""
    part = 10 * 1024 * 1024
    with path.open("wb") as file:
        for start in range(0, size, part):
            file.write(bytes([start // part + 1]) * min(part, size - start))
    return path


def read_back(content: bytes, content_type: str, status: int = 200) -> dict[str, Any]:
    """What an app gets when it downloads this content."""
    return {"status": status, "type": content_type, "size": len(content), "sha256": sha256(content)}


def check_queue(positions: list[int]) -> None:
    """Check the queue positions that an app got for the film."""
    assert positions == sorted(positions, reverse=True)
    assert set(positions) <= set(POSITIONS)
    assert len(set(positions)) > 1, "the place never changed"


def check_logs(while_running: list[list[dict[str, Any]]], at_the_end: list[dict[str, Any]]) -> None:
    """Check the logs that an app got for the film: poll by poll, and at the end."""
    lines = [[log["message"] for log in logs] for logs in while_running]
    assert all(messages == LOGS[: len(messages)] for messages in lines)
    counts = [len(messages) for messages in lines]
    assert counts == sorted(counts)
    assert len(set(counts)) > 1, "the logs never grew"
    assert [log["message"] for log in at_the_end] == LOGS
    times = [datetime.fromisoformat(log["timestamp"]) for log in at_the_end]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert gaps == pytest.approx([STEP, STEP], abs=0.001)
