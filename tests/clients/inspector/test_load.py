"""Many calls, many tabs, and a falmock that goes away and comes back."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import expect
from websockets.sync.client import connect

from clients import browser
from clients import running
from clients.inspector import inspecting
from clients.inspector.inspecting import FLAGS
from clients.inspector.inspecting import address
from clients.inspector.inspecting import expects
from clients.inspector.inspecting import opened
from clients.inspector.inspecting import rows
from clients.inspector.inspecting import view
from clients.running import KEY
from clients.running import Mitmdump

App = Callable[..., Any]
MANY = 10_000
MOST_ROWS = 100
MOST_HEAP = 100e6
MOST_BUSY = 100
"""Milliseconds in which the page answers nobody."""
TABS = 8


def heap(page: Page, seconds: float = 10) -> float:
    """The bytes that the page's scripts hold, by the time that less than the limit is left, or after `seconds`.

    One collection is not enough for what is just being read or drawn, or for a page before this one in the same process.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    until = time.monotonic() + seconds
    while True:
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Performance.getMetrics")["metrics"]
        held = float(next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize"))
        if held < MOST_HEAP or time.monotonic() > until:
            return held
        time.sleep(0.3)


@contextmanager
def timed(browser: Browser, page: Page) -> Iterator[list[float]]:
    """The milliseconds of the page's thread that each task meanwhile took: what else the machine does is not counted."""
    browser.start_tracing(page=page, categories=["toplevel"])
    took: list[float] = []
    try:
        yield took
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
    named = [each for each in events if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"]
    threads = {(each["pid"], each["tid"]) for each in named}
    took += [each.get("tdur", 0) / 1000 for each in events if (each["pid"], each["tid"]) in threads]


def ask(mock: Mitmdump, inputs: list[dict[str, Any]], at_once: int = 100) -> None:
    """Submit a job with each of these inputs, many behind one another on one connection."""
    head = f"POST /fal/acme/cat HTTP/1.1\r\nHost: 127.0.0.1\r\nx-fal-target-host: queue.fal.run\r\nAuthorization: Key {KEY}\r\n"
    bodies = [json.dumps(each) for each in inputs]
    calls = [f"{head}Content-Type: application/json\r\nContent-Length: {len(each)}\r\n\r\n{each}" for each in bodies]
    with socket.create_connection(("127.0.0.1", mock.ports[0]), timeout=60) as connection:
        for first in range(0, len(calls), at_once):
            connection.sendall("".join(calls[first : first + at_once]).encode())
            answers = b""
            while answers.count(b"HTTP/1.1 ") < at_once or not answers.endswith(b"}"):
                answers += connection.recv(1 << 20)


@pytest.mark.parametrize("shown", ["Jobs", "Journal"])
def test_ten_thousand_calls(app: App, chromium: Browser, page: Page, mock: Mitmdump, shown: str) -> None:  # noqa: ARG001
    view(page, shown)
    with timed(chromium, page) as took:
        ask(mock, [{"prompt": "a cat"} if number % 10 else {"prompt": f"a dog {number}"} for number in range(MANY)])
        journal = page.get_by_role("navigation").get_by_role("link", name="Journal")
        expect(journal).to_contain_text("10,000", timeout=60_000)
        expect(rows(page).first).to_be_visible()
        assert page.locator("tr").count() < MOST_ROWS
    assert len(took) > MOST_BUSY, "nothing was measured"
    assert max(took) < MOST_BUSY
    assert heap(page) < MOST_HEAP
    for name in inspecting.VIEWS:
        view(page, name)
        expect(page.get_by_text("Loading …")).to_have_count(0)
        assert page.locator("tr").count() < 2 * MOST_ROWS
    assert heap(page) < MOST_HEAP


@contextmanager
def tabs(count: int, url: str) -> Iterator[list[Callable[[str], Any]]]:
    """Tabs of one window of a real Chromium, of which all but the one in front are hidden. Each evaluates a script.

    Playwright has no hidden tabs: it tells each that it is in front.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(browser.require()), *FLAGS, "--headless=new", "--remote-debugging-port=0"]
        process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            told = Path(profile) / "DevToolsActivePort"
            until = time.monotonic() + 30
            while not told.exists() or not told.read_text():
                assert time.monotonic() < until, "Chromium did not start"
                time.sleep(0.05)
            base = f"http://127.0.0.1:{told.read_text().split()[0]}"
            with httpx.Client(base_url=base, trust_env=False, timeout=30) as devtools:
                opened = [devtools.put(f"/json/new?{url}").json() for _ in range(count)]
                yield [_evaluator(each["webSocketDebuggerUrl"], devtools, each["id"]) for each in opened]
        finally:
            process.terminate()
            process.wait(10)


def _evaluator(debugger: str, devtools: httpx.Client, target: str) -> Callable[[str], Any]:
    def evaluate(script: str) -> Any:
        if script == "front":
            return devtools.get(f"/json/activate/{target}").status_code
        with connect(debugger, proxy=None) as session:
            parameters = {"expression": script, "returnByValue": True}
            session.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": parameters}))
            # While a page is opened, there is nothing to evaluate a script in.
            return json.loads(session.recv()).get("result", {}).get("result", {}).get("value")

    return evaluate


def waited(evaluate: Callable[[str], Any], script: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not evaluate(script):
        assert time.monotonic() < until, f"it did not come: {script}; {evaluate('document.body.innerText')}"
        time.sleep(0.1)


def test_eight_tabs(app: App, mock: Mitmdump) -> None:
    with tabs(TABS, address(mock)) as opened:
        for tab in opened:
            waited(tab, "document.body?.innerText.includes('falmock')")
        for tab in opened[:-1]:
            waited(tab, "document.hidden && document.querySelector('header').innerText.includes('paused')")
        app("subscribe", app="acme/film", arguments={"prompt": "a film"})
        waited(opened[-1], "document.querySelectorAll('main tbody tr').length === 1")
        for tab in opened:
            tab("front")
            waited(tab, "!document.hidden && document.querySelectorAll('main tbody tr').length === 1")
            waited(tab, "document.querySelector('header').innerText.includes('live')")


def test_falmock_goes_away_and_comes_back(confdir: Path, folder: Path, chromium: Browser) -> None:
    (port,) = running.free_ports(1)
    command = ("--port", str(port), "--fixtures", str(folder))
    first = running.start_serve(confdir, *command)
    try:
        first.wait_for("falmock 0")
        with opened(chromium, first) as page:
            expects(
                page, "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET"
            )
            running.stop(first)
            expect(page.get_by_role("main")).to_contain_text("falmock does not answer")
            again = running.start_serve(confdir, *command)
            try:
                expect(page.locator("header", has_text="live")).to_be_visible()
                expect(page.get_by_role("main")).not_to_contain_text("falmock does not answer")
            finally:
                running.stop(again)
    finally:
        running.stop(first)
