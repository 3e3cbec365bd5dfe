"""Four tasks of a person who has never seen the page, from its first view, by visible words alone.

Each test counts the clicks. Looking needs none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from playwright.sync_api import expect

from clients import running
from clients.inspector.inspecting import Clicks
from clients.inspector.inspecting import control
from clients.running import Mitmdump

App = Callable[..., Any]
A_FILM = {"app": "acme/film", "arguments": {"prompt": "a film"}}
A_DOG = {"app": "acme/cat", "arguments": {"prompt": "a dog"}}


@pytest.fixture(scope="module", params=["mitmdump", "falmock serve"])
def mock(request: pytest.FixtureRequest, confdir: Path, folder: Path) -> Iterator[Mitmdump]:
    started = running.serve if request.param == "falmock serve" else running.mitmdump
    with started(confdir, fixtures=folder) as mock:
        yield mock


def test_which_call_missed_and_why(app: App, page: Page) -> None:
    assert app("run", **A_DOG)["status"] == 404
    person = Clicks(page)
    person.on("link", re.compile("^Misses"))
    expect(page.get_by_role("rowheader", name="acme/cat")).to_be_visible()
    row = page.get_by_role("row", name=re.compile("^\\$.prompt"))
    expect(row).to_contain_text("a cat")
    expect(row).to_contain_text("a dog")
    assert person.count <= 2


def test_play_the_video_that_a_job_made(app: App, page: Page) -> None:
    app("subscribe", **A_FILM)
    person = Clicks(page)
    person.on("button", "acme/film", exact=False)
    video = page.get_by_role("region", name="Output").locator("video")
    expect(video).to_have_js_property("paused", True)
    expect(video).to_have_js_property("videoWidth", 384)
    video.scroll_into_view_if_needed()
    video.evaluate("(each) => each.addEventListener('timeupdate', () => (each.title = `at ${each.currentTime}`))")
    # The button with the triangle is the browser's own: the click is on the picture, which does the same.
    person.count += 1
    video.click()
    expect(video).to_have_attribute("title", re.compile(r"at 0\.[1-9]|at [1-9]"))
    assert person.count <= 2


def test_make_the_next_job_fail(app: App, page: Page) -> None:
    person = Clicks(page)
    person.choose("Error", "content_policy_violation")
    person.on("button", "Add fault")
    expect(page.get_by_role("main")).to_contain_text("1 fault on")
    seen = app("subscribe", **A_FILM)["result"]
    assert (seen["status"], "content_policy_violation" in str(seen["message"])) == (422, True)
    assert person.count <= 3


def test_write_a_fixture_from_a_miss(app: App, page: Page, folder: Path, mock: Mitmdump) -> None:
    assert app("run", **A_DOG)["status"] == 404
    before = set(folder.rglob("*.json"))
    person = Clicks(page)
    person.on("link", re.compile("^Misses"))
    person.on("button", "Make this a fixture")
    person.on("radio", "In the fixtures folder")
    person.on("button", "Save fixture")
    expect(page.get_by_role("main")).to_contain_text("answered from now on")
    assert app("run", **A_DOG) == {"seed": 1}
    assert person.count <= 4
    (new,) = set(folder.rglob("*.json")) - before
    new.unlink()
    with control(mock) as client:
        assert client.post("/fixtures/reload").is_success
