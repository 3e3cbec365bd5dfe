"""Each view in light and dark: axe finds nothing serious, the keyboard leads everywhere, and pictures can be looked at.

With FALMOCK_SCREENSHOTS=FOLDER pictures of all views are written there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import expect

from clients import running
from clients.inspector.inspecting import VIEWS
from clients.inspector.inspecting import axe
from clients.inspector.inspecting import control
from clients.inspector.inspecting import opened
from clients.inspector.inspecting import rows
from clients.inspector.inspecting import view
from clients.running import CLIENTS
from clients.running import Mitmdump

App = Callable[..., Any]
A_CAT = {"app": "acme/cat", "arguments": {"prompt": "a cat"}}
A_DOG = {"app": "acme/cat", "arguments": {"prompt": "a dog", "seed": 5}}
A_FILM = {"app": "acme/film", "arguments": {"prompt": "a film"}}
SCREENSHOTS = os.environ.get("FALMOCK_SCREENSHOTS", "")


@pytest.fixture(scope="module")
def busy(mock: Mitmdump, program: App) -> Mitmdump:
    """A falmock in which everything has happened: jobs that ended well, failed, were cancelled and wait; misses; files."""
    with control(mock) as client:
        assert client.put("/pace", json={"pace": "x10"}).is_success
        program("subscribe", **A_FILM)
        program("cancel", app="acme/told", look=False)
        for _ in range(3):
            program("run", **A_DOG)
        program("run", **A_CAT)
        program("stream", app="acme/told", arguments={"prompt": "a tale"})
        program("upload", path=str(Path(__file__)))
        rule = {"match": {"model": "acme/cat"}, "fault": {"error": "content_policy_violation", "nth": 7}}
        assert client.put("/faults", json={"faults": [rule]}).is_success
        assert client.put("/pace", json={"pace": "manual"}).is_success
        assert client.put("/scopes/worker-1", json={"pace": "instant"}).is_success
    with running.app(CLIENTS / "programs" / "sockets.py", mock) as talker:
        talker("realtime", app="acme/talks", steps=[["send", {"prompt": "hi"}], ["receive"]])
    return mock


def pictured(page: Page, name: str) -> None:
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_for_everybody(chromium: Browser, busy: Mitmdump, theme: str) -> None:
    found: dict[str, list[str]] = {}

    def looked_at(page: Page, name: str) -> None:
        page.wait_for_timeout(300)
        pictured(page, f"{name}-{theme}")
        found[name] = axe(page)

    with opened(chromium, busy, color_scheme=theme, reduced_motion="reduce") as page:
        for name in VIEWS:
            view(page, name)
            expect(page.get_by_text("Loading …")).to_have_count(0)
            looked_at(page, name.lower())
        view(page, "Misses")
        page.get_by_role("button", name="Make this a fixture").first.click()
        page.get_by_label("In the fixtures folder").check()
        expect(page.get_by_role("button", name="Save fixture")).to_be_enabled()
        looked_at(page, "form")
        view(page, "Journal")
        rows(page).get_by_role("button", name="message").click()
        rows(page).get_by_role("button", name="stream").click()
        looked_at(page, "journal-unfolded")
        view(page, "Jobs")
        rows(page).get_by_role("button", name="acme/film").last.click()
        expect(page.locator("video")).to_have_js_property("videoWidth", 384)
        looked_at(page, "job")
    with opened(chromium, busy, "#/jobs?scope=worker-1", color_scheme=theme) as page:
        for name in VIEWS:
            view(page, name)
            expect(page.get_by_text("Loading …")).to_have_count(0)
            looked_at(page, f"empty-{name.lower()}")
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_a_narrow_window(chromium: Browser, busy: Mitmdump) -> None:
    with opened(chromium, busy) as page:
        page.set_viewport_size({"width": 420, "height": 800})
        for name in VIEWS:
            view(page, name)
            page.wait_for_timeout(200)
            pictured(page, f"narrow-{name.lower()}")
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{name} has to be scrolled sideways"
            hidden = page.locator(".scroller").evaluate_all(
                "(all) => all.some((each) => each.scrollWidth > each.clientWidth)"
            )
            hint = page.get_by_text("scroll sideways")
            expect(hint.locator("visible=true")).to_have_count(1 if hidden else 0)


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim().slice(0, 60)")
    return text


def test_the_keyboard_alone(app: App, page: Page) -> None:
    for _ in range(3):
        app("subscribe", **A_FILM)
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("Tab")
    assert "Skip to the view" in focused(page)
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("j")
    opened_job = focused(page)
    assert "acme/film" in opened_job
    page.keyboard.press("k")
    assert focused(page) != opened_job
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Output")).to_be_visible()
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("nothing like it")
    expect(rows(page)).to_have_count(0)
    page.keyboard.press("Escape")


def test_the_focus_stays_where_it_is_when_rows_come(app: App, page: Page) -> None:
    app("subscribe", **A_FILM)
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("j")
    before = focused(page)
    assert "acme/film" in before
    for count in (2, 3):
        app("subscribe", **A_FILM)
        expect(rows(page)).to_have_count(count)
        assert focused(page) == before


def test_the_live_region_tells_what_came(app: App, page: Page) -> None:
    app("run", **A_DOG)
    expect(page.get_by_role("status")).to_contain_text("1 new call, 1 miss")


def test_every_view_has_a_title(page: Page) -> None:
    for name in VIEWS:
        view(page, name)
        expect(page).to_have_title(f"{name} · falmock")
