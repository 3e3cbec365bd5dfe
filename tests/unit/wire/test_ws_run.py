from __future__ import annotations

import json

import pytest

from falmock.wire import ws_run
from falmock.wire.formats.frames import Text


def test_what_surrounds_an_answer() -> None:
    start = ws_run.start_frame("id-1", 200, {"content-type": "application/json"})
    assert start == Text(
        '{"type":"start","request_id":"id-1","status":200,"headers":{"content-type":"application/json"}}'
    )
    assert ws_run.end_frame("id-1", 422, 0.25) == Text(
        '{"type":"end","request_id":"id-1","status":422,"time_to_first_byte_seconds":0.25}'
    )


@pytest.mark.parametrize(
    ("text", "is_meta"),
    [
        (ws_run.start_frame("id-1", 200, {}).text, True),
        ('{"request_id": null, "type": null}', True),
        ('{"type": "image"}', False),
        ('{"request_id": "x"}', False),
        ('[{"type": 1, "request_id": 2}]', False),
        ('{"images": [{"type": 1, "request_id": 2}]}', False),
        ('"type" "request_id"', False),
    ],
)
def test_what_the_client_takes_for_one_of_these(*, text: str, is_meta: bool) -> None:
    # By the rule in fal.apps itself.
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    assert (isinstance(value, dict) and "type" in value and "request_id" in value) is is_meta
    assert ws_run.meta(text) == (value if is_meta else None)
