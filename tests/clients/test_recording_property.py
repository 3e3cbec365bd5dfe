"""For any calls: a replay gives the recorded answers, and a recording of the replay gives the same fixtures."""

from __future__ import annotations

import base64
import json
import os
import random
from pathlib import Path
from typing import Any
from typing import NamedTuple

import httpx
import pytest

from clients import tape
from clients.running import mitmdump
from clients.upstream import Pace
from clients.upstream import recording
from clients.upstream import upstream
from clients.upstream.fal import HOSTS

STEPS = 60
ENDPOINTS = ("test/echo", "test/echo/some/path", "test/image", "test/video", "test/binary", "test/text", "test/html")
MORE = ("test/numbers", "test/nothing", "test/gzip", "workflows/test/poster", "comfy/test/graph", "fal-ai/flux/dev")
FAILURES = ("missing", "policy", "too-small", "downstream", "500", "404", "418", "text", "user-timeout", "timeout")
ODD = (
    *(
        0,
        -1,
        2**64 - 1,
        -(2**70),
        1.0,
        -0.0,
        0.1,
        1e21,
        5e-324,
        1.5,
        True,
        False,
        None,
        "",
        " ",
        "é ☃ 🐈",
        "\u2028\x00\x7f",
    ),
    *(
        "https://example.com/a.png?x=1",
        "data:text/plain;base64,aGVsbG8=",
        "data:,plain",
        "2026-01-01T00:00:00Z",
        "null",
    ),
    *("0190c0de-0000-7000-8000-000000000000", "hidden", "sha256:0", [], {}, [[]], {"": ""}, {"a b": {"ü": [1, 2.50]}}),
)
"""Values that are easily mistaken for others."""


class Step(NamedTuple):
    """A call that an app makes; `of` is the place of an earlier answer whose files go into the input."""

    act: str
    endpoint: str
    value: dict[str, Any]
    of: int | None = None
    content: bytes = b""


def plan(dice: random.Random) -> list[Step]:
    steps: list[Step] = []
    for place in range(STEPS):
        value = {dice.choice(("prompt", "seed", "x", "y", "z")): dice.choice(ODD) for _ in range(dice.randrange(4))}
        act = dice.choice(("run", "run", "job", "job", "get", "fail", "upload", "upload", "download", "again"))
        of = dice.randrange(place) if place and dice.random() < 0.6 else None
        if act == "fail":
            steps.append(Step(dice.choice(("run", "job")), f"test/fail/{dice.choice(FAILURES)}", value))
        elif act == "again" and steps:
            steps.append(dice.choice(steps))
        else:
            steps.append(Step(act, dice.choice(ENDPOINTS + MORE), value, of, dice.randbytes(dice.randrange(50))))
    return steps


def use(app: httpx.Client, steps: list[Step]) -> list[Any]:
    """What an app is answered, step by step."""
    files: list[list[str]] = []
    seen: list[Any] = []
    for place, step in enumerate(steps):
        earlier = files[step.of] if step.of is not None and step.of < place else []
        value = step.value | ({"image_url": earlier[0], "more": [{"of": url} for url in earlier]} if earlier else {})
        answer = perform(app, step, value, earlier)
        files.append([answer] if isinstance(answer, str) else urls_in(answer))
        seen.append(tape.plain(answer) if isinstance(answer, str) else tape.told(answer))
    return seen


def perform(app: httpx.Client, step: Step, value: dict[str, Any], earlier: list[str]) -> httpx.Response | str:
    if step.act == "upload":
        return tape.upload(app, step.content, "f.png", "image/png")
    if step.act == "download" and earlier:
        return app.get(earlier[-1])
    if step.act == "job":
        return tape.job(app, step.endpoint, value)
    if step.act == "get":
        return app.get(f"https://fal.run/{step.endpoint}", params={"q": str(step.value), "n": len(earlier)})
    return app.post(f"https://fal.run/{step.endpoint}", json=value)


def urls_in(answer: httpx.Response) -> list[str]:
    """The files that an answer names."""
    try:
        made = answer.json()
    except ValueError:
        return []
    found = [*made.get("images", ()), made.get("video")] if isinstance(made, dict) else []
    return [file["url"] for file in found if isinstance(file, dict) and file["url"].startswith("https://")]


def told(folder: Path) -> dict[str, Any]:
    """The fixtures less when and how fast they were recorded, and the assets."""
    fixtures = {
        name: [
            {key: value for key, value in entry.items() if key not in ("recorded", "queue")}
            for entry in json.loads((folder / name).read_bytes(), parse_float=str)["fixtures"]
        ]
        for name in tape.documents(folder)
    }
    assets = {name: base64.b64encode(raw) for name, raw in tape.tree(folder).items() if name.startswith("_assets/")}
    return fixtures | assets


@pytest.mark.parametrize("round_", range(2))
def test_any_traffic(confdir: Path, tmp_path: Path, round_: int) -> None:
    seed = round_ if "CI" in os.environ else random.randrange(2**32)
    print(f"round {round_}, seed {seed}")
    steps = plan(random.Random(seed))
    first, second = tmp_path / "first", tmp_path / "second"
    with upstream() as fal:
        fal.pace = Pace()
        with recording(confdir, fal, first) as mock, tape.client(mock) as app:
            recorded = use(app, steps)
    assert "not recorded" not in mock.output
    tape.whole(first)
    # A mock that passes for fal itself.
    passing = ("--mode", "reverse:https://fal.run", "--set", "keep_host_header=true")
    with mitmdump(confdir, *passing, fixtures=first) as replay:
        again = (
            *("--set", "fal_mode=record", "-s", str(Path(__file__).with_name("to_upstream.py"))),
            *("--set", f"to_upstream_port={replay.ports[0]}", "--set", f"to_upstream_hosts={','.join(HOSTS)}"),
            *("--set", f"ssl_verify_upstream_trusted_ca={replay.ca}"),
        )
        with mitmdump(confdir, *again, fixtures=second) as mock, tape.client(mock) as app:
            replayed = use(app, steps)
    for place, step in enumerate(steps):
        assert replayed[place] == recorded[place], f"seed {seed}, step {place}: {step}"
    assert told(second) == told(first), f"seed {seed}"
