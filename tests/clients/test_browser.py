"""Pages in a real Chromium show the same when they are recorded and when they are replayed without fal.

Without Chromium the tests are skipped, and in CI they fail.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

from clients import browser
from clients.browser import Visit
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Asked
from clients.upstream import recording
from clients.upstream import upstream

BACKEND = "backend.html"
DIRECT = "direct.html?prompt=a+cat+in+the+page"
UPLOADS = "uploads.html"
FILES = "files.html"
GOOD = (BACKEND, DIRECT, UPLOADS, FILES)
REFUSED = "failures.html?prompt=a+dog"
MISSED = "failures.html?prompt=never+recorded"
VARIES = {re.compile(r"https://\S+"): "<url>", re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"): "<id>"}
_PREFLIGHT = re.compile(r"\bOPTIONS https://([^/\s]+)/")


class Showing(NamedTuple):
    """The pages, each opened once, and what their mitmdump logged meanwhile."""

    visits: dict[str, Visit]
    log: str

    @property
    def preflights(self) -> set[str]:
        """The hosts that the browser asked whether a page may call them."""
        return set(_PREFLIGHT.findall(self.log))


class Both(NamedTuple):
    """The pages with fal behind them, and without."""

    recorded: Showing
    replayed: Showing
    asked: list[Asked]
    secrets: list[str]
    fixtures: Path


@pytest.fixture(scope="module")
def both(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    browser.require()
    fixtures = tmp_path_factory.mktemp("browser") / "fixtures"
    with upstream() as fal, recording(confdir, fal, fixtures) as mock:
        recorded = show(mock, *GOOD, REFUSED)
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=fixtures) as mock:
        replayed = show(mock, *GOOD, REFUSED, MISSED)
    return Both(recorded, replayed, fal.seen, fal.secrets, fixtures)


def show(mock: Mitmdump, *pages: str) -> Showing:
    with browser.user(mock) as visit:
        visits = visit(*pages)
    return Showing(visits, mock.output)


@pytest.fixture(params=["recorded", "replayed"])
def showing(request: pytest.FixtureRequest, both: Both) -> Showing:
    found: Showing = getattr(both, request.param)
    return found


def steady(value: Any) -> Any:
    """What a page shows, without what is another in each run: URLs, request ids, which states its polls came upon."""
    if isinstance(value, dict):
        return {name: steady(item) for name, item in value.items() if name != "states"}
    if isinstance(value, list):
        return [steady(item) for item in value]
    if isinstance(value, str):
        for varies, name in VARIES.items():
            value = varies.sub(name, value)
    return value


@pytest.mark.parametrize("page", GOOD)
def test_a_page_shows_the_same_again(both: Both, page: str) -> None:
    recorded, replayed = both.recorded.visits[page], both.replayed.visits[page]
    assert (recorded.failed, replayed.failed) == (None, None)
    assert steady(replayed.shown) == steady(recorded.shown)


@pytest.mark.parametrize("page", GOOD)
def test_the_browser_has_nothing_to_complain_of(showing: Showing, page: str) -> None:
    visit = showing.visits[page]
    assert (visit.console, visit.unloaded) == ([], [])


def test_nothing_leaves_and_nothing_breaks(both: Both) -> None:
    assert "server connect " not in both.replayed.log
    for showing in (both.recorded, both.replayed):
        for bad in ("Traceback", "500 Internal Server Error", "error establishing"):
            assert bad not in showing.log


def test_the_browser_asks_before_it_calls_another_origin(showing: Showing) -> None:
    assert showing.preflights == {"fal.run", "queue.fal.run", "rest.fal.ai", "v3b.fal.media"}


def test_a_page_calls_fal_with_a_token_and_its_backend_with_the_key(both: Both) -> None:
    own = [asked for asked in both.asked if asked.method == "POST" and asked.line.endswith("fal.run/test/image")]
    schemes = {(asked.headers["authorization"].partition(" ")[0], "origin" in asked.headers) for asked in own}
    assert schemes >= {("Bearer", True), ("Key", False)}


@pytest.mark.parametrize("page", [BACKEND, DIRECT])
def test_a_page_follows_a_job(showing: Showing, page: str) -> None:
    seen = showing.visits[page].shown["subscribed"]
    # On a busy machine a poll may come too late for the second of work.
    assert seen["states"] in (["IN_QUEUE", "IN_PROGRESS", "COMPLETED"], ["IN_QUEUE", "COMPLETED"])
    assert seen["logs"] == ["loading", "step 1 of 2", "step 2 of 2"]
    assert seen["requestId"], "read off a header, which other origins may read only when they are allowed to"


def test_a_page_reads_the_pixels_of_what_it_made(showing: Showing) -> None:
    shown = showing.visits[DIRECT].shown["shown"]
    assert [(image["width"], image["height"]) for image in shown] == [(8, 8)] * 2
    assert shown[0]["pixels"] != shown[1]["pixels"]


def test_a_page_shows_what_was_drawn_on_it(showing: Showing) -> None:
    shown = showing.visits[UPLOADS].shown
    assert (shown["blue"]["width"], shown["blue"]["height"]) == (32, 24)
    assert (shown["note"]["type"], shown["note"]["size"]) == ("text/plain", len("a note\n"))
    assert len({image["pixels"] for image in shown["shown"]}) == 3, "each was made of another picture"


def test_a_player_goes_to_the_end_of_a_film(showing: Showing) -> None:
    visit = showing.visits[FILES]
    assert visit.shown["film"] == {"width": 384, "height": 216, "duration": 2, "shows": True}
    size = visit.shown["clip"]["video"]["file_size"]
    assert {status for status, _ in visit.ranges} == {206}
    assert visit.ranges[0][1] == f"bytes 0-{size - 1}/{size}"
    assert len(visit.ranges) > 1, "the table of contents at the end was not asked for"


def test_the_whole_film_is_kept_though_the_player_asked_for_parts(both: Both) -> None:
    size = both.recorded.visits[FILES].shown["clip"]["video"]["file_size"]
    assert [path.stat().st_size for path in (both.fixtures / "_assets").glob("*.mp4")] == [size]


def test_a_page_reads_why_it_was_refused(both: Both, showing: Showing) -> None:
    visit = showing.visits[REFUSED]
    assert visit.failed is None
    assert visit.shown == both.recorded.visits[REFUSED].shown
    for attempt in visit.shown.values():
        assert (attempt["name"], attempt["status"]) == ("ValidationError", 422)
        assert attempt["body"]["detail"][0]["loc"] == ["body", "prompt"]
    for complaint in visit.console:
        assert complaint.startswith("Failed to load resource: the server responded with a status of 422")


def test_a_page_reads_what_a_miss_teaches(both: Both) -> None:
    visit = both.replayed.visits[MISSED]
    assert visit.failed is None
    for attempt in visit.shown.values():
        assert (attempt["name"], attempt["status"]) == ("ApiError", 404)
        assert "test/fail" in attempt["body"]["detail"]
        assert "a dog" in attempt["body"]["detail"], "the nearest fixture, and what differs"


def test_nothing_secret_is_kept(both: Both) -> None:
    kept = "".join(path.read_text() for path in both.fixtures.rglob("*.json"))
    assert any("eyJ" in secret for secret in both.secrets), "no page had a token"
    assert [secret for secret in both.secrets if secret in kept] == []
    assert "ksecret" not in kept
