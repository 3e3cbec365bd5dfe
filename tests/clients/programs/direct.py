"""An app that knows of no proxy: a plain request, and the fal client as it comes."""

from __future__ import annotations

import json

import fal_client
import httpx

APP = "fal-ai/flux/dev"

answered = httpx.post(f"https://fal.run/{APP}", json={}).json()
subscribed = fal_client.subscribe(APP, {})
url = fal_client.upload(b"a file", "text/plain")
downloaded = httpx.get(url).text

print(json.dumps({"answered": answered, "subscribed": subscribed, "downloaded": downloaded}))
