"""Files in the control API: list them, read one, add one, and tickets to read them."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import quote

from falmock.engine.effects import Reply
from falmock.engine.files import downloads
from falmock.fixtures.model import Found
from falmock.gateway.control import asset_view
from falmock.gateway.control import guard
from falmock.gateway.control.operation import CONTENT_POLICY
from falmock.gateway.control.operation import ERROR
from falmock.gateway.control.operation import FILE
from falmock.gateway.control.operation import NOTHING
from falmock.gateway.control.operation import PAGING
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import Parameter
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import page_in
from falmock.gateway.control.operation import page_of
from falmock.gateway.control.operation import paged
from falmock.gateway.control.operation import problem
from falmock.gateway.control.operation import ref
from falmock.wire import storage
from falmock.wire.formats import media
from falmock.wire.message import Header
from falmock.wire.message import content_of

_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEPT_APART: tuple[Header, ...] = (
    (b"Cache-Control", b"no-store"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    CONTENT_POLICY,
)
"""What keeps a content from running or being embedded: anybody may have uploaded it, and this origin can control falmock."""


def _list(call: Call) -> Reply:
    held = list(asset_view.held_by(call.seen).values())
    asset_view.load(call.seen, page_in(held, call.query))
    return answer(200, paged("assets", held, call.query, asset_view.view(call.seen, call.disk)), "assets")


def _read(call: Call) -> Reply:
    sha256, engine = call.path["sha256"], call.seen
    known = engine.scope.assets.content(sha256, engine.assets) if _DIGEST.fullmatch(sha256) else None
    (asset,) = (None,) if known is None else engine.scope.assets.loaded([known])
    if asset is None or (asset.data is None and asset.file is None):
        return problem(404, f"There is no file {sha256[:100]!r}: GET {PREFIX}/assets lists those that there are")
    kind = media.sniffed(asset_view.reader(asset, call.disk)(0, asset_view.HEAD))
    headers = _KEPT_APART if asset_view.may_show(kind) else (*_KEPT_APART, _attached(engine.redactor.text(asset.name)))
    return downloads.download(call.request, Found(asset, kind), extra=headers)


def _attached(name: str) -> Header:
    return b"Content-Disposition", f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}".encode()


def _add(call: Call) -> Reply:
    try:
        name = storage.check_name(call.body["name"])
        data = base64.b64decode(call.body["data"], validate=True)
    except storage.BadFileName as error:
        return problem(400, f"name: {error}")
    except (binascii.Error, ValueError) as error:
        return problem(400, f"data: expected base64: {error}")
    assets, content = call.seen.scope.assets, content_of(data)
    declared = media.type_of(name)
    if not assets.has_room(content):
        return problem(
            409,
            f"There is no room for {len(data)} bytes more among the uploads in memory, of at most {assets.limit} bytes: "
            "put the file into _assets beside the fixtures, or start falmock again",
        )
    assets.put(content, name, media.sniffed(data) if declared == media.DEFAULT else declared)
    shown = asset_view.view(call.seen, call.disk)
    return answer(201, shown(asset_view.held_by(call.seen)[content.sha256]), "an asset was added")


def _ticket(call: Call) -> Reply:
    ticket, expires = call.engines.tickets.give(call.now)
    return answer(201, {"ticket": ticket, "expires": expires}, "a ticket")


_PATH = f"{PREFIX}/assets"

OPERATIONS = (
    Operation(
        "GET",
        _PATH,
        "listAssets",
        "The files that falmock has: uploads of all scopes, the newest first; files of made answers, those that were read and "
        f"the last {asset_view.NEWEST}; and files of the fixtures of a scope.",
        _list,
        {200: ("A page of files.", page_of("assets", "Asset"))},
        PAGING,
    ),
    Operation(
        "POST",
        _PATH,
        "addAsset",
        "Add a file, as if it was uploaded: its URLs work from now on, in all scopes.",
        _add,
        {201: ("The file.", ref("Asset")), 409: ("There is no room for it.", ERROR)},
        body=Body(
            {
                "type": "object",
                "required": ["name", "data"],
                "properties": {
                    "name": {"type": "string", "description": "Its file name, which suggests its media type."},
                    "data": {"type": "string", "contentEncoding": "base64", "description": "Its content in base64."},
                },
                "additionalProperties": False,
            },
            "The file.",
            {"name": "dot.gif", "data": "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="},
        ),
    ),
    Operation(
        "GET",
        f"{_PATH}/{{sha256}}",
        "readAsset",
        "The content of a file, or a range of it, with the media type that its first bytes suggest. All but images, sounds and "
        "films is an attachment.",
        _read,
        {
            200: ("The content.", FILE),
            206: ("The range of it that the header Range names.", FILE),
            304: ("It is the one that the header If-None-Match names.", NOTHING),
            404: ("There is no such file.", ERROR),
            416: ("It has no such range.", NOTHING),
        },
        (
            Parameter(
                guard.TICKET,
                {"type": "string"},
                "A ticket, in place of the token: elements of pages cannot send headers.",
            ),
        ),
        head=True,
    ),
    Operation(
        "POST",
        f"{_PATH}/tickets",
        "giveTicket",
        "A ticket to read files for a minute without the token.",
        _ticket,
        {201: ("The ticket.", closed(ticket={"type": "string"}, expires={"type": "number"}))},
        of_scope=False,
    ),
)
