"""Which answers are listened to while they stream on, and how."""

from __future__ import annotations

from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.tee import Pieces
from falmock.proxy.tee import Spool
from falmock.proxy.tee import Timed
from falmock.proxy.tees import Tees
from falmock.proxy.tees import comes_in_pieces

EVENTS, JSON, SOUND = "text/event-stream; charset=utf-8", "application/json", "audio/mpeg"


def answered(content_type: str, path: str = "/a/b", status: int = 200, **headers: str) -> http.HTTPFlow:
    """A flow whose answer begins."""
    fields = [(b"content-type", content_type.encode())]
    fields += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return tflow.tflow(
        req=tutils.treq(path=path.encode()), resp=tutils.tresp(status_code=status, headers=http.Headers(fields))
    )


@pytest.mark.parametrize(
    ("flow", "listener"),
    [
        (answered(EVENTS), Timed),
        (answered(EVENTS, content_encoding="gzip"), Timed),
        (answered(JSON), None),
        (answered("text/plain"), None),
        (answered(JSON, content_length="2000000"), Spool),
        (answered(SOUND), Spool),
        (answered(SOUND, content_encoding="gzip"), None),
        (answered(SOUND, status=204), None),
        (answered(SOUND, "/a/b/stream"), Pieces),
        (answered(SOUND, "/a/b/stream", content_length="5"), Spool),
        (answered(JSON, "/a/b/stream?x=1"), Timed),
        (answered("text/plain", "/a/b/stream/", content_encoding="gzip"), Timed),
        (answered(JSON, "/a/b/stream", content_length="5"), None),
        (answered(JSON, "/a/b/stream", 422), None),
    ],
)
def test_what_is_listened_to(flow: http.HTTPFlow, listener: type | None, tmp_path: Path) -> None:
    tees = Tees(tmp_path)
    tees.on_response(flow)
    assert flow.response is not None
    assert (type(flow.response.stream) if flow.response.stream else None) is listener
    tees.broke_off(flow, None)
    assert list(tmp_path.iterdir()) == []


def test_nothing_comes_in_pieces_of_a_flow_without_an_answer() -> None:
    assert not comes_in_pieces(tflow.tflow(req=tutils.treq(path=b"/a/b/stream")))
