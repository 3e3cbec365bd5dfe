"""Makes addon/inspector.png, the picture of the inspector in the documents: the real page, while an app's jobs run.

It needs Chromium and playwright: `.venvs/3.12/bin/python scripts/inspector_picture.py`. It ends with an error if the picture is
larger than the documents shall have.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "addon" / "inspector.png"
MOST_BYTES = 150_000
SIZE = {"width": 1240, "height": 440}
CAT = "a black cat on a hill, watching the sun go down"
JOBS = (
    ("fal-ai/flux/schnell", {"prompt": CAT}, 1.0),
    ("fal-ai/ltx-video", {"prompt": CAT}, 1.0),
    ("fal-ai/flux/dev", {"prompt": "something forbidden"}, 1.2),
    ("fal-ai/kokoro/american-english", {"prompt": "A black cat sits on a hill and watches the sun go down."}, 0.8),
    ("fal-ai/flux/schnell", {"prompt": "a dog on a hill"}, 0.0),
    ("fal-ai/ltx-video", {"prompt": CAT}, 1.6),
)
"""Endpoint and input of each job, and the seconds until the next."""


@contextmanager
def falmock() -> Iterator[str]:
    """The address of a falmock with the fixtures of this repository, at the pace of their recordings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "falmock.cli", "serve", "--confdir", home, "--port", str(port)]
        options = ["--fixtures", "fixtures", "--set", "fal_pace=recorded"]
        env = os.environ | {"PYTHONPATH": str(ROOT / "addon")}
        with subprocess.Popen([*command, *options], cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def waited(client: httpx.Client) -> None:
    """Wait until falmock answers."""
    for _ in range(200):
        try:
            client.get("/__falmock/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    sys.exit("falmock did not start")


class App:
    """An app that submits jobs and polls them."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._polled: list[str] = []

    def submit(self, endpoint: str, arguments: dict[str, str]) -> None:
        """Submit a job; a call that nothing answers is a miss."""
        submitted = self._client.post(f"/fal/{endpoint}", json=arguments)
        if submitted.is_success:
            self._polled.append(submitted.json()["status_url"].removeprefix("https://queue.fal.run"))

    def poll(self, seconds: float) -> None:
        """Ask for the state of all jobs, several times."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for path in list(self._polled):
                if self._client.get(f"/fal{path}").json().get("status") == "COMPLETED":
                    self._polled.remove(path)
            time.sleep(0.4)


def main() -> None:
    with falmock() as address, sync_playwright() as playwright:
        headers = {"x-fal-target-host": "queue.fal.run", "authorization": "Key made:up"}
        with httpx.Client(base_url=address, headers=headers, trust_env=False) as client:
            waited(client)
            app = App(client)
            path = next(
                found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))
            )
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport=SIZE, device_scale_factor=1.5, color_scheme="light")
            page.goto(f"{address}/__falmock/")
            for endpoint, arguments, pause in JOBS:
                app.submit(endpoint, arguments)
                app.poll(pause)
            page.locator("tbody tr").nth(4).wait_for()
            page.screenshot(path=PICTURE)
            browser.close()
    size = PICTURE.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{PICTURE} has {size} bytes; expected at most {MOST_BYTES}")


if __name__ == "__main__":
    main()
