"""The names of calls, and the endpoints that they are about."""

from __future__ import annotations

from typing import get_args

import pytest

from falmock.wire import calls
from falmock.wire.calls import Call
from falmock.wire.endpoint import parse

FLUX = parse("fal-ai/flux/dev")
JOB = "/fal-ai/flux/requests/1/status"


def test_each_call_has_a_name_and_a_title() -> None:
    assert set(calls.KINDS) == set(get_args(Call)) - {calls.Unrouted}
    titles = [kind.title for kind in calls.KINDS.values()]
    assert all(titles)
    assert len(set(titles)) == len(titles)
    assert all(calls.NAMES)
    assert len(set(calls.NAMES)) == len(calls.NAMES)


@pytest.mark.parametrize(
    ("call", "name", "endpoint"),
    [
        (calls.Run(FLUX), "run", "fal-ai/flux/dev"),
        (calls.RunSocket(FLUX), "socket", "fal-ai/flux/dev"),
        (calls.Submit(FLUX, "", ""), "submit", "fal-ai/flux/dev"),
        (calls.Status("1", logs=True), "status", "fal-ai/flux"),
        (calls.UploadPart("/a.png", 1), "upload", ""),
        (calls.WebhookKeys(), "keys", ""),
        (calls.Unrouted(404, "no route"), "", ""),
    ],
)
def test_what_a_call_is_called_and_about(call: Call, name: str, endpoint: str) -> None:
    assert (calls.name_of(call), calls.endpoint_of(call, JOB)) == (name, endpoint)
