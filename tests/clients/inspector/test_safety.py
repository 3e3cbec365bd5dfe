"""What the page is safe from: pages of other origins, files of strangers, and telling secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import BrowserContext
from playwright.sync_api import Error
from playwright.sync_api import Page
from playwright.sync_api import expect

from clients import running
from clients.inspector import inspecting
from clients.inspector.inspecting import ELSEWHERE
from clients.inspector.inspecting import Background
from clients.inspector.inspecting import address
from clients.inspector.inspecting import control
from clients.inspector.inspecting import expects
from clients.inspector.inspecting import opened
from clients.inspector.inspecting import rows
from clients.inspector.inspecting import switches
from clients.inspector.inspecting import view
from clients.inspector.inspecting import watched
from clients.running import CLIENTS
from clients.running import Mitmdump

App = Callable[..., Any]
A_FILM = {"app": "acme/film", "arguments": {"prompt": "a film"}}
CHANGES = (
    *(
        "Advance",
        "Complete",
        "Fail",
        "Hold",
        "Release",
        "Make this a fixture",
        "Save fixture",
        "Add fault",
        "Clear faults",
    ),
    *("Reset", "Add a file", "Read again"),
)
SCRIPT = "fetch('/__falmock/reset', {method: 'POST'}).finally(() => (document.title = 'it ran'))"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><script>{SCRIPT}</script></svg>'
HTML = f"<!doctype html><title>dead</title><script>{SCRIPT}</script><p>a page"
STEAL = """async ({own, paths, stream, picture, page, changes}) => {
  const found = [];
  const within = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, 3000))]);
  for (const path of paths) {
    for (const mode of ["cors", "no-cors"]) {
      const text = await fetch(own + path, {mode}).then((answer) => answer.text(), () => "");
      if (text) found.push(`${mode} ${path}: ${text.slice(0, 80)}`);
    }
  }
  const loads = (element, url) => within(new Promise((resolve) => {
    element.onload = () => resolve(true);
    element.onerror = () => resolve(false);
    element.src = own + url;
    document.body.append(element);
  }));
  if (await loads(new Image(), picture)) found.push("an image");
  if (await loads(document.createElement("script"), `${page}inspector/format.js`)) found.push("a script");
  const module = Object.assign(document.createElement("script"), {type: "module"});
  if (await loads(module, `${page}inspector/format.js`)) found.push("a module");
  const frame = document.createElement("iframe");
  await loads(frame, page);
  try {
    if (frame.contentDocument?.body) found.push("a frame");
  } catch {}
  const source = new EventSource(own + stream);
  const opens = await within(new Promise((resolve) => {
    source.onopen = () => resolve(true);
    source.onerror = () => resolve(false);
  }));
  source.close();
  if (opens) found.push("events");
  for (const [method, path, body] of changes) {
    for (const type of ["text/plain", "application/json"]) {
      for (const mode of method === "POST" ? ["cors", "no-cors"] : ["cors"]) {
        await fetch(own + path, {method, mode, body, headers: {"content-type": type}}).catch(() => {});
      }
    }
    navigator.sendBeacon(own + path, body);
  }
  return found;
}"""


@contextmanager
def hostile() -> Iterator[int]:
    """The port of a server of somebody else's pages."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><link rel=icon href=data:,><title>hostile</title><body>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def provoking(chromium: Browser, origin: str) -> Iterator[BrowserContext]:
    """A profile whose pages try what they may not do: the browser complains, and refused requests leave no origin."""
    with watched(chromium, origin) as (context, seen):
        seen.expected.append("")
        yield context


@pytest.mark.parametrize("host", ["127.0.0.1", ELSEWHERE])
def test_a_page_of_another_origin_reads_and_changes_nothing(
    app: App, chromium: Browser, mock: Mitmdump, host: str
) -> None:
    app("subscribe", **A_FILM)
    with control(mock) as client, hostile() as port, provoking(chromium, mock.proxy) as context:
        (asset,) = client.get("/assets").json()["assets"]
        (job,) = client.get("/jobs").json()["jobs"]
        before = client.get("/journal").json()
        names = ("health", "journal", "jobs", "assets", "misses", "fixtures", "events", "openapi.json", "scopes")
        file = f"/__falmock/assets/{asset['sha256']}"
        page = context.new_page()
        page.goto(f"http://{host}:{port}/")
        stolen = page.evaluate(
            STEAL,
            {
                "own": mock.proxy,
                "paths": ["/__falmock/", *(f"/__falmock/{name}" for name in names), file],
                "stream": "/__falmock/events",
                "picture": file,
                "page": "/__falmock/",
                "changes": [
                    ("POST", "/__falmock/reset", "{}"),
                    ("POST", "/__falmock/reset?all=true", "{}"),
                    ("POST", f"/__falmock/jobs/{job['request_id']}/fail", '{"error": "internal_server_error"}'),
                    ("POST", "/__falmock/fixtures", json.dumps(inspecting.CAT)),
                    ("POST", "/__falmock/assets", '{"name": "a.txt", "data": "YQ=="}'),
                    ("POST", "/__falmock/assets/tickets", "{}"),
                    ("PUT", "/__falmock/faults", '{"faults": [{"fault": "internal_server_error"}]}'),
                    ("PUT", "/__falmock/pace", '{"pace": "manual"}'),
                ],
            },
        )
        assert stolen == []
        assert client.get("/journal").json()["calls"] == before["calls"]
        assert client.get("/faults").json()["faults"] == []
        assert client.get("/health").json()["pace"] == "instant"
        assert len(client.get("/fixtures").json()["fixtures"]) == 4
        assert len(client.get("/assets").json()["assets"]) == 1


def test_a_name_that_leads_here_shows_nothing(chromium: Browser, mock: Mitmdump) -> None:
    port = mock.ports[0]
    with provoking(chromium, mock.proxy) as context:
        page = context.new_page()
        for path in ("", "journal", "events", "inspector/main.js"):
            answer = page.goto(f"http://{ELSEWHERE}:{port}/__falmock/{path}")
            assert answer is not None
            assert answer.status in (403, 404), path


def test_the_page_is_opened_by_a_link_of_another_page(chromium: Browser, mock: Mitmdump) -> None:
    with hostile() as port, provoking(chromium, mock.proxy) as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.evaluate("(url) => { window.theirs = open(url); }", address(mock))
        page.wait_for_timeout(500)
        assert page.evaluate("(() => { try { return theirs.document.title; } catch { return null; } })()") in (None, "")


@pytest.mark.parametrize(("name", "content"), [("cat.svg", SVG), ("page.html", HTML), ("picture.png", HTML)])
def test_a_file_with_a_script_stays_dead(
    app: App, chromium: Browser, mock: Mitmdump, tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    url = app("upload", path=str(path))
    with control(mock) as client, provoking(chromium, mock.proxy) as context:
        (asset,) = [each for each in client.get("/assets").json()["assets"] if url in each["urls"]]
        calls = client.get("/journal").json()["calls"]
        assert not asset["shows"]
        answer = client.get(f"/assets/{asset['sha256']}")
        assert answer.text == content
        assert not answer.headers["content-type"].startswith(("text/html", "image/svg"))
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
        page = context.new_page()
        for place in (
            address(mock, f"assets/{asset['sha256']}"),
            url.replace("https://", f"{mock.proxy}/fal/@"),
        ):
            try:
                page.goto(place)
            except Error as error:
                assert "Download is starting" in error.message  # noqa: PT017 - either is good
            page.wait_for_timeout(300)
            assert page.title() != "it ran", place
        assert client.get("/journal").json()["calls"] >= calls, "it was reset"


def test_a_file_that_is_no_picture_is_shown_as_a_link(app: App, page: Page, mock: Mitmdump, tmp_path: Path) -> None:
    path = tmp_path / "cat.svg"
    path.write_text(SVG)
    app("upload", path=str(path))
    view(page, "Media")
    card = page.get_by_role("listitem").filter(has_text="cat.svg")
    expect(card).to_have_count(1)
    expect(card.locator("img")).to_have_count(0)
    with control(mock) as client:
        assert client.get("/journal").json()["calls"] > 0


def test_to_read_is_not_to_change(confdir: Path, folder: Path, chromium: Browser) -> None:
    with (
        running.mitmdump(confdir, "--set", "fal_inspector=read", "--set", "fal_pace=manual", fixtures=folder) as mock,
        running.app(CLIENTS / "programs" / "python_sync.py", mock) as app,
        opened(chromium, mock) as page,
    ):
        assert app("run", app="acme/none", arguments={})["status"] == 404
        submitted = Background(app, "subscribe", **A_FILM)
        expect(rows(page)).to_have_count(1)
        expect(page.get_by_role("main")).to_contain_text("read only")
        for name in ("Jobs", "Misses", "Journal", "Media", "Fixtures"):
            view(page, name)
            for change in CHANGES:
                expect(page.get_by_role("button", name=change, exact=True)).to_have_count(0)
        expect(switches(page).get_by_role("combobox", name="Pace")).to_have_count(0)
        expects(page, "status of 403")
        reset = "fetch('/__falmock/reset', {method: 'POST'}).then((answer) => answer.status)"
        assert page.evaluate(reset) == 403
        with control(mock) as client:
            (job,) = client.get("/jobs").json()["jobs"]
            assert client.post(f"/jobs/{job['request_id']}/complete").is_success, "a program may"
        assert "video" in submitted.outcome()["result"]


def test_off_is_off(confdir: Path, folder: Path, chromium: Browser) -> None:
    with (
        running.serve(confdir, "--set", "fal_inspector=off", fixtures=folder) as mock,
        provoking(chromium, mock.proxy) as context,
    ):
        answer = context.new_page().goto(address(mock))
        assert answer is not None
        assert answer.status == 404
        assert "fal_inspector=off" in answer.text()


def test_nothing_secret_is_shown(app: App, page: Page, mock: Mitmdump) -> None:
    secrets = ["ksecret", "sk-canary-of-the-input", "canary-of-the-url", "canary-of-the-frame"]
    signed = "https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=canary-of-the-url&X-Amz-Credential=x"
    said = {"prompt": "a dog", "api_key": "sk-canary-of-the-input", "image_url": signed}
    assert app("run", app="acme/cat", arguments=said)["status"] == 404
    app("subscribe", app="acme/film", arguments={**said, "prompt": "a film"})
    with running.app(CLIENTS / "programs" / "sockets.py", mock) as talker:
        talker("realtime", app="acme/talks", steps=[["send", {"api_key": "canary-of-the-frame"}], ["receive"]])
    told = []
    for name in ("Jobs", "Misses", "Journal", "Media"):
        view(page, name)
        page.wait_for_timeout(300)
        for button in page.get_by_role("main").locator("[data-row][aria-expanded]").element_handles():
            if button.get_attribute("aria-expanded") == "false":
                button.click()
        page.wait_for_timeout(300)
        told.append(page.content())
    assert "acme/talks" in told[2]
    with control(mock) as client:
        told += [client.get(f"/{name}").text for name in ("journal", "misses", "jobs", "report", "assets")]
        for entry in client.get("/journal").json()["entries"]:
            told.append(client.get(f"/journal/{entry['number']}").text)
        for job in client.get("/jobs").json()["jobs"]:
            told.append(client.get(f"/jobs/{job['request_id']}/result").text)
    assert [secret for secret in secrets for text in told if secret in text] == []
