"""A falmock that wants a token: who has it sees everything, who has not sees nothing, and long films play to their end."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import Route
from playwright.sync_api import expect

from clients import running
from clients.inspector import inspecting
from clients.inspector.inspecting import address
from clients.inspector.inspecting import opened
from clients.inspector.inspecting import rows
from clients.inspector.inspecting import view
from clients.inspector.inspecting import watched
from clients.running import CLIENTS
from clients.running import Mitmdump

A_FILM = {"app": "acme/film", "arguments": {"prompt": "a film"}}
TOKEN = "a-token-of-the-page"
GAP = 40_000_000
"""More bytes than a browser reads ahead."""
SEEK = """(each) => new Promise((resolve) => {
  each.onseeked = () => resolve(each.currentTime);
  each.currentTime = 30;
  setTimeout(resolve, 10_000);
})"""


def long_film(film: bytes) -> bytes:
    """A film of 40 s with its second half far behind its first, so that to seek there is to ask the server again."""

    def box(name: bytes) -> int:
        return film.index(name) - 4

    (frames,) = struct.unpack_from(">I", film, box(b"stsz") + 16)
    sizes = struct.unpack_from(f">{frames // 2}I", film, box(b"stsz") + 20)
    offset, length = box(b"stco"), len(film) - box(b"mdat")
    (first,) = struct.unpack_from(">I", film, offset + 16)
    split = first + sum(sizes)
    head = bytearray(film[:offset] + struct.pack(">I4sIIII", 24, b"stco", 0, 2, first, split + GAP))
    # The table has one entry more: what is behind it, and of no use, becomes as much shorter.
    user = box(b"udta")
    (useless,) = struct.unpack_from(">I", film, user)
    head += film[offset + 20 : user] + struct.pack(">I4s", useless - 4, b"free") + film[user + 12 : split]
    # Twenty times as slow, so that a player does not read ahead to its end.
    head[box(b"edts") + 4 : box(b"edts") + 8] = b"free"
    for name, place in ((b"mvhd", 24), (b"tkhd", 28), (b"mdhd", 24), (b"stts", 20)):
        (ticks,) = struct.unpack_from(">I", head, box(name) + place)
        struct.pack_into(">I", head, box(name) + place, ticks * 20)
    for name in (b"trak", b"mdia", b"minf", b"stbl"):
        (size,) = struct.unpack_from(">I", head, box(name))
        struct.pack_into(">I", head, box(name), size + 4)
    struct.pack_into(">I", head, box(b"stsc") + 20, frames // 2)
    struct.pack_into(">I", head, box(b"mdat"), length + GAP)
    return bytes(head) + bytes(GAP) + film[split:]


@pytest.fixture(scope="module")
def guarded(confdir: Path, folder: Path) -> Iterator[Mitmdump]:
    film = folder / "_assets" / "sunset.mp4"
    film.write_bytes(long_film(film.read_bytes()))
    with running.mitmdump(confdir, "--set", f"fal_control_token={TOKEN}", fixtures=folder) as mock:
        with running.app(CLIENTS / "programs" / "python_sync.py", mock) as app:
            app("subscribe", **A_FILM)
        yield mock
        assert TOKEN not in mock.output


def kept(page: Page) -> list[str]:
    """Where the token stands that outlives the page, or that others see."""
    places = page.evaluate(
        """() => ({address: location.href, cookies: document.cookie, session: JSON.stringify(sessionStorage),
        local: JSON.stringify(localStorage), page: document.documentElement.outerHTML,
        asked: JSON.stringify(performance.getEntriesByType("resource").map(({name}) => name))})"""
    )
    return [name for name, text in places.items() if TOKEN in text]


def test_with_the_token_everything_is_shown(chromium: Browser, guarded: Mitmdump) -> None:
    with opened(chromium, guarded, f"#token={TOKEN}") as page:
        rows(page).get_by_role("button", name="acme/film").click()
        video = page.get_by_role("region", name="Output").locator("video")
        expect(video).to_have_js_property("videoWidth", 384)
        assert "ticket=" in (video.get_attribute("src") or "")
        assert video.evaluate(SEEK) == pytest.approx(30)
        assert kept(page) == []


def test_without_the_token_nothing_is_shown(chromium: Browser, guarded: Mitmdump) -> None:
    with watched(chromium, guarded.proxy) as (context, seen):
        seen.expected.append("status of 401")
        page = context.new_page()
        page.goto(address(guarded))
        for name in inspecting.VIEWS:
            view(page, name)
            expect(page.get_by_role("main").get_by_label("Token", exact=True)).to_be_visible()
            assert "acme/" not in page.content()
        assert inspecting.axe(page) == []


def test_the_page_asks_for_the_token(chromium: Browser, guarded: Mitmdump) -> None:
    with watched(chromium, guarded.proxy) as (context, seen):
        seen.expected.append("status of 401")
        page = context.new_page()
        page.goto(address(guarded, "#/journal"))
        field = page.get_by_role("form", name="Give the token").get_by_label("Token", exact=True)
        expect(field).to_be_focused()
        page.keyboard.type("another token")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("another token")
        field.fill(TOKEN)
        page.keyboard.press("Enter")
        expect(rows(page).filter(has_text="acme/film").first).to_be_visible()
        assert kept(page) == []
        page.reload()
        expect(field).to_be_visible()
        page.goto(address(guarded, f"#token={TOKEN}"))
        expect(rows(page).filter(has_text="acme/film").first).to_be_visible()
        assert kept(page) == []


def test_a_film_whose_ticket_ran_out_plays_on(chromium: Browser, guarded: Mitmdump) -> None:
    with watched(chromium, guarded.proxy) as (context, seen):
        seen.expected.append("status of 401")
        page = context.new_page()
        page.clock.install()
        page.goto(address(guarded, f"#token={TOKEN}"))
        rows(page).get_by_role("button", name="acme/film").click()
        video = page.get_by_role("region", name="Output").locator("video")
        expect(video).to_have_js_property("videoWidth", 384)
        old = video.get_attribute("src") or ""
        refused = []

        def refuse(route: Route) -> None:
            refused.append(route.request.url)
            route.fulfill(status=401)

        page.route(re.compile(re.escape(old.rpartition("=")[2])), refuse)
        page.clock.fast_forward(61_000)
        # The server's clock goes on as it is: another second has another ticket.
        page.wait_for_timeout(1100)
        assert video.evaluate(SEEK) == pytest.approx(30)
        assert refused != [], "the film was read as a whole before"
        assert video.get_attribute("src") != old
        link = page.get_by_role("region", name="Output").get_by_role("link", name="sunset.mp4")
        assert link.get_attribute("href") == old
        link.hover()
        expect(link).not_to_have_attribute("href", old)
