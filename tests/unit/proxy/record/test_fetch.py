"""Downloads that end with a problem, not with an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from mitmproxy import http

from falmock.proxy.own_requests import OwnRequests
from falmock.proxy.record.fetch import Fetches


def problem_of(monkeypatch: pytest.MonkeyPatch, answer: Callable[[http.HTTPFlow], http.Response | None]) -> str | None:
    """What is told of a download whose requests are answered so."""

    async def send(_: OwnRequests, flow: http.HTTPFlow, *__: object) -> str | None:
        flow.response = answer(flow)
        return None

    monkeypatch.setattr(OwnRequests, "send", send)
    return asyncio.run(Fetches(lambda _: 0).download("https://v3b.fal.media/files/a.png"))


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("https://.example.com/x?sig=1", "it is at https://.example.com/x, which is no valid URL"),
        (f"https://{'a' * 64}.example.com/", "which is no valid URL"),
        ("https://[::", "which is no valid URL"),
        ("http://example.com/", "which is no https URL"),
        ("/again", "more than 5 redirects"),
    ],
)
def test_redirects_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch, location: str, problem: str) -> None:
    told = problem_of(monkeypatch, lambda _: http.Response.make(302, b"", {"location": location}))
    assert problem in str(told)


def test_what_is_not_answered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problem_of(monkeypatch, lambda _: None) == "no answer"
    assert problem_of(monkeypatch, lambda _: http.Response.make(404)) == "status 404"
    assert problem_of(monkeypatch, lambda _: http.Response.make(200)) is None
