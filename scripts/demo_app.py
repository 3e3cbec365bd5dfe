"""An ordinary fal.ai app that changes an image from day to night: `demo_app.py IMAGE FOLDER`, with FAL_KEY set.

It uploads the image, prints the status of its job until it completes, and saves the result.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import fal_client
import httpx

MODEL = "fal-ai/flux/dev/image-to-image"
PROMPT = "the same cat at night, under a full moon"


class StatusPrinter:
    """Prints the changes in each status update of a job."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.position: int | None = None
        self.logs_seen = 0
        self.running = False

    def say(self, text: str) -> None:
        print(f"  {time.monotonic() - self.started:4.1f} s  {text}", flush=True)

    def __call__(self, status: fal_client.Status) -> None:
        if isinstance(status, fal_client.Queued):
            if status.position != self.position:
                self.position = status.position
                self.say(f"in the queue, {status.position} before us")
            return
        if isinstance(status, fal_client.InProgress | fal_client.Completed):
            if not self.running:
                self.running = True
                self.say("running")
            for log in (status.logs or [])[self.logs_seen :]:
                self.logs_seen += 1
                self.say(f"  log: {log['message']}")
        if isinstance(status, fal_client.Completed):
            self.say(f"completed; inference took {status.metrics['inference_time']:.2f} s")


def main() -> None:
    picture, folder = Path(sys.argv[1]), Path(sys.argv[2])
    print(f"uploading {picture.name} ({picture.stat().st_size:,} bytes)")
    image_url = fal_client.upload_file(picture)
    print(f"  {image_url}")

    print(f"asking {MODEL} for {PROMPT!r}")
    result = fal_client.subscribe(
        MODEL,
        arguments={"image_url": image_url, "prompt": PROMPT, "output_format": "png"},
        with_logs=True,
        on_queue_update=StatusPrinter(),
    )

    image = result["images"][0]
    print(f"got an image of {image['width']} x {image['height']}, seed {result['seed']}")
    print(f"  {image['url']}")
    folder.mkdir(parents=True, exist_ok=True)
    saved = folder / urlsplit(image["url"]).path.rpartition("_")[2]
    saved.write_bytes(httpx.get(image["url"]).raise_for_status().content)
    print(f"saved {saved} ({saved.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
