"""The measured call, and its fixtures in the format of recordings."""

from __future__ import annotations

import json
from pathlib import Path

ENDPOINT = "fal-ai/flux/dev"
MANY = 20_000
"""The number of fixtures in benchmarks with many."""


def flux_input(number: int) -> dict[str, object]:
    """A typical input."""
    return {
        "prompt": f"a photo of cat number {number}",
        "image_size": "square_hd",
        "seed": 2**63 + number,
        "num_images": 1,
    }


def flux_fixture(number: int) -> dict[str, object]:
    """A fixture in the format of recordings."""
    return {
        "match": {"model": ENDPOINT, "input": flux_input(number), "exact": True},
        "response": {
            "status": 200,
            "billableUnits": 1.0,
            "json": {
                "images": [
                    {
                        "url": f"https://v3b.fal.media/files/b/0a9df36f/{number:021d}_image.png",
                        "width": 1024,
                        "height": 1024,
                        "content_type": "image/png",
                    }
                ],
                "timings": {"inference": 1.4321},
                "seed": 2**63 + number,
                "has_nsfw_concepts": [False],
                "prompt": f"a photo of cat number {number}",
            },
        },
        "queue": {
            "started": 0.52,
            "completed": 2.04,
            "inferenceTime": 1.4321,
            "positions": [{"at": 0.0, "position": 0}],
            "logs": [{"at": 0.61, "message": "loading"}, {"at": 1.9, "message": "100%"}],
        },
        "recorded": {"at": "2026-11-20T10:11:12+00:00", "client": "fal-client/1.0.3 (python)"},
    }


def write_fixtures(folder: Path, count: int) -> Path:
    """Write `count` fixture files of one endpoint; return their folder."""
    home = folder / ENDPOINT
    home.mkdir(parents=True)
    for number in range(count):
        document = {"fixtures": [flux_fixture(number)]}
        (home / f"cat-{number:05d}.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return folder
