"""A person who looks at the inspector in a real, headless Chromium, and the app whose calls are shown there.

Everything that a page may never do fails the test: an error on the console, what its policy refuses, a request that leaves
its origin.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from playwright.sync_api import Browser
from playwright.sync_api import BrowserContext
from playwright.sync_api import ConsoleMessage
from playwright.sync_api import Locator
from playwright.sync_api import Page
from playwright.sync_api import Request
from playwright.sync_api import expect
from playwright.sync_api import sync_playwright

from clients import browser
from clients.painter import with_schema
from clients.running import CLIENTS
from clients.running import ROOT
from clients.running import Mitmdump

ELSEWHERE = "hostile.example"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What Chromium does of its own accord reaches nothing. A name of somebody else's leads to this machine.
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
)
_WATCHED: WeakKeyDictionary[BrowserContext, Watched] = WeakKeyDictionary()
PATIENCE = 10_000
"""Milliseconds in which the page has to show something; this only ends what hangs."""
AXE = CLIENTS / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("Jobs", "Misses", "Journal", "Media", "Fixtures")
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""

CAT = {"match": {"model": "acme/cat", "input": {"prompt": "a cat"}}, "response": {"json": {"seed": 1}}}
FILM = {
    "match": {"model": "acme/film", "input": {"prompt": "a film"}},
    "response": {
        "billableUnits": 2.0,
        "json": {"video": {"url": {"$file": "sunset.mp4"}, "content_type": "video/mp4", "file_name": "sunset.mp4"}},
    },
    "queue": {"started": 0.5, "completed": 2, "logs": [{"at": 1.0, "message": "half of the film"}]},
}
TOLD = {
    "match": {"model": "acme/told"},
    "stream": [{"at": 0, "json": {"text": "once"}}, {"at": 0.1, "json": {"text": "once upon"}}],
}
TALKS = {"match": {"model": "acme/talks"}, "realtime": [{"json": {"answer": "of the frame"}}]}
PRICES = {"prices": [{"endpoint_id": "acme/film", "unit_price": 0.25, "unit": "seconds", "currency": "USD"}]}


def fixtures_in(folder: Path) -> Path:
    """A folder of fixtures: a plain answer, a film with its file and price, a stream, a socket; and the painter's schema."""
    with_schema(folder, CAT, FILM, TOLD, TALKS)
    (folder / "_prices.json").write_text(json.dumps(PRICES))
    assets = folder / "_assets"
    assets.mkdir()
    (assets / "sunset.mp4").write_bytes((ROOT / "fixtures" / "_assets" / "sunset.mp4").read_bytes())
    return folder


@dataclass
class Watched:
    """What pages did that they may never do. `expected` are texts of errors that the test provokes."""

    origin: str
    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def console(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.note(f"{said.type} on the console: {said.text} ({said.location.get('url')})")

    def request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "blob:", "data:")):
            self.note(f"a request that leaves the origin: {request.url}")

    def note(self, text: str) -> None:
        if not any(re.search(each, text) for each in self.expected):
            self.wrong.append(text)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser; without one the test is skipped, and in CI it fails."""
    path = browser.require()
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield started
        finally:
            started.close()


@contextmanager
def watched(browser: Browser, origin: str, **options: Any) -> Iterator[tuple[BrowserContext, Watched]]:
    """A fresh profile, whose pages must behave until its end."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_TELL_VIOLATIONS)
    seen = _WATCHED[context] = Watched(origin)
    context.on("console", seen.console)
    context.on("weberror", lambda error: seen.note(f"an error: {error.error}"))
    context.on("request", seen.request)
    try:
        yield context, seen
    finally:
        context.close()
    assert seen.wrong == [], "\n".join(seen.wrong)


def expects(page: Page, *texts: str) -> None:
    """From now on the page may say these things on the console, such as that a call was refused."""
    _WATCHED[page.context].expected.extend(texts)


def address(mock: Mitmdump, fragment: str = "") -> str:
    return f"{mock.proxy}/__falmock/{fragment}"


@contextmanager
def opened(browser: Browser, mock: Mitmdump, fragment: str = "", **options: Any) -> Iterator[Page]:
    """The inspector's page, which follows what happens."""
    with watched(browser, mock.proxy, **options) as (context, _):
        page = context.new_page()
        page.goto(address(mock, fragment))
        page.locator("header", has_text="live").wait_for()
        yield page


def view(page: Page, name: str) -> None:
    """Open one of the views by its link."""
    page.get_by_role("navigation").get_by_role("link", name=name).click()
    page.get_by_role("main", name=name).wait_for()


def switches(page: Page) -> Locator:
    return page.get_by_role("region", name="Switches")


def pace(page: Page, text: str) -> None:
    """Choose a pace, and wait until falmock has it."""
    switches(page).get_by_label("Pace").select_option(text)
    page.get_by_text(f"The pace of new jobs is {text}").first.wait_for()


def rows(page: Page) -> Locator:
    """The rows of the view's table, without its head."""
    return page.get_by_role("main").locator("tbody tr:not(.space)")


def axe(page: Page) -> list[str]:
    """What axe finds on the page and calls serious or critical."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@contextmanager
def control(mock: Mitmdump, token: str = "") -> Iterator[httpx.Client]:
    """The control API, as a program calls it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(
        base_url=f"{mock.proxy}/__falmock", trust_env=False, timeout=30, headers=headers, follow_redirects=False
    ) as client:
        yield client


class Background:
    """Something that a program does meanwhile: `outcome()` waits for it and is what came of it."""

    def __init__(self, act: Callable[..., Any], *args: Any, **arguments: Any) -> None:
        self._came: list[Any] = []
        self._raised: list[BaseException] = []

        def work() -> None:
            try:
                self._came.append(act(*args, **arguments))
            except BaseException as error:  # noqa: BLE001 - told to who waits
                self._raised.append(error)

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def outcome(self, seconds: float = 60) -> Any:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"it is not over after {seconds} s"
        if self._raised:
            raise self._raised[0]
        return self._came[0]


class Clicks:
    """A person who uses visible words alone, and whose clicks are counted. Choosing in a list is one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def on(self, role: Any, name: str | re.Pattern[str], *, exact: bool = True) -> None:
        """Click the first thing in sight with this role and name."""
        self.count += 1
        self.page.get_by_role(role, name=name, exact=exact).first.click()

    def choose(self, label: str, option: str | Sequence[str]) -> None:
        """Choose in the list with this label."""
        self.count += 1
        self.page.get_by_role("combobox", name=label, exact=True).first.select_option(option)
