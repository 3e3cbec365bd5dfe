"""Uploads by aimock's routes: a client PUTs files past the function that rewrites its URLs, so what it is told leads back here."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from falmock.engine.effects import Reply
from falmock.gateway.aimock_routes import IN_PATH
from falmock.gateway.aimock_routes import PREFIX
from falmock.wire.formats import jsontext

_AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def through(reply: Reply, base: str) -> Reply:
    """The answer to an upload that begins, with an `upload_url` at `base`, the host and port that falmock was called by.

    Files keep their own URLs: those are what inputs and answers name.
    """
    if reply.status != 200 or not isinstance(reply.body, bytes) or not _AUTHORITY.fullmatch(base):
        return reply
    try:
        value = jsontext.loads(reply.body)
    except jsontext.BadJSON:
        return reply
    if not isinstance(value, dict) or not isinstance(value.get("upload_url"), str):
        return reply
    url = urlsplit(value["upload_url"])
    query = f"?{url.query}" if url.query else ""
    value["upload_url"] = f"http://{base}{PREFIX}/{IN_PATH}{url.netloc}{url.path}{query}"
    return reply._replace(body=jsontext.dump_model(value), length=None)
