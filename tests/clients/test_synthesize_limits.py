"""Made answers to inputs that ask for far too much: they come, the process stays small, and others are served meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from clients import running
from clients import tape
from clients.running import Mitmdump
from clients.test_bombs import memory
from clients.test_synthesize import CAT
from clients.test_synthesize import DRAW
from clients.test_synthesize import FILM
from clients.test_synthesize import LLM
from clients.test_synthesize import SPEECH
from clients.test_synthesize import synthesizing
from unit.wire.formats.squeezing import MEBIBYTE

GROWTH = 200 * MEBIBYTE
"""By how much the process may be larger afterwards (bytes)."""
LARGEST = 4 * MEBIBYTE
"""How large an answer may be (bytes)."""
LARGEST_FILE = 32 * MEBIBYTE
"""How large a file of an answer may be (bytes)."""
MOST_FILES = 100
"""How many files an answer may have."""


def nested(times: int) -> Any:
    """A value that is twice as many levels deep; inputs may be 100 levels deep."""
    value: Any = "x"
    for _ in range(times):
        value = {"a": [value]}
    return value


HUGE = 10**9
TOO_MUCH: list[tuple[str, dict[str, Any]]] = [
    (DRAW, CAT | {"num_images": HUGE}),
    (DRAW, CAT | {"image_size": {"width": HUGE, "height": HUGE}}),
    (DRAW, CAT | {"image_size": {"width": HUGE, "height": HUGE}, "num_images": HUGE, "output_format": "jpeg"}),
    (DRAW, CAT | {"image_size": {"width": HUGE, "height": HUGE}, "num_images": HUGE, "sync_mode": True}),
    (FILM, CAT | {"duration": HUGE, "fps": HUGE, "width": HUGE, "height": HUGE}),
    (SPEECH, CAT | {"duration": HUGE}),
    (DRAW, {"prompt": nested(49), "seed": nested(49), "image_size": nested(49)}),
    (DRAW, CAT | {"num_images": float(HUGE) ** 30, "seed": -(10**300), "duration": "9" * 4000}),
    (LLM, {"prompt": "word " * 10**6}),
]


def urls(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (url for item in value.values() for url in urls(item))
    elif isinstance(value, list):
        yield from (url for item in value for url in urls(item))
    elif isinstance(value, str) and value.startswith("https://v3b.fal.media/"):
        yield value


def trouble(mock: Mitmdump) -> list[str]:
    """Ask for all this, and download the first files of each answer; what did not go well."""
    found: list[str] = []
    with tape.client(mock, timeout=60) as client:
        for endpoint, given in TOO_MUCH:
            answer = client.post(f"https://fal.run/{endpoint}", json=given)
            if answer.status_code != 200 or len(answer.content) > LARGEST:
                found.append(f"{endpoint} {str(given)[:100]}: {answer.status_code} {answer.text[:200]}")
                continue
            files = list(urls(answer.json()))
            if len(files) > MOST_FILES:
                found.append(f"{endpoint}: {len(files)} files")
            for url in files[:2]:
                file = client.get(url)
                if file.status_code != 200 or not 0 < len(file.content) < LARGEST_FILE:
                    found.append(f"{url}: {file.status_code}, {len(file.content)} bytes")
    return found


def test_they_are_answered_and_others_are_served(confdir: Path, tmp_path: Path) -> None:
    with synthesizing(running.mitmdump, confdir, tmp_path) as mock, tape.client(mock, timeout=30) as other:
        before = memory(mock, "VmRSS")
        with ThreadPoolExecutor(1) as pool:
            hostile = pool.submit(trouble, mock)
            served = 0
            while not hostile.done():
                assert other.post(f"https://fal.run/{DRAW}", json=CAT).status_code == 200
                served += 1
                time.sleep(0.05)
        assert hostile.result() == []
        assert served > 1
        assert other.post(f"https://fal.run/{DRAW}", json={"prompt": nested(51)}).status_code == 422
        mock.wait_until(lambda: memory(mock, "VmRSS") - before < GROWTH, 10, "it is too large")
        assert "Traceback" not in mock.output
