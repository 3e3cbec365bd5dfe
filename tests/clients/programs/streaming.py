"""An app that follows a stream and talks on a socket, at the addresses it is given; it knows of no proxy."""

from __future__ import annotations

import json
import sys

import httpx
from websockets.sync.client import connect

over_http, over_ws = sys.argv[1:3]

with httpx.stream("POST", f"{over_http}/test/talk/stream", json={}, timeout=30) as answer:
    events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]

messages = []
with connect(f"{over_ws}/test/talk/realtime", open_timeout=30) as socket:
    for number in range(2):
        socket.send(json.dumps({"n": number}))
        messages.append(json.loads(socket.recv(30)))

print(json.dumps({"events": events, "messages": messages}))
