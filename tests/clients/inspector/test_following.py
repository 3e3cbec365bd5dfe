"""People follow an app's calls on the page, and steer its jobs, while a real fal_client waits for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from playwright.sync_api import expect

from clients import running
from clients.inspector.inspecting import Background
from clients.inspector.inspecting import control
from clients.inspector.inspecting import pace
from clients.inspector.inspecting import rows
from clients.inspector.inspecting import switches
from clients.inspector.inspecting import view
from clients.running import CLIENTS
from clients.running import Mitmdump

App = Callable[..., Any]
A_FILM = {"app": "acme/film", "arguments": {"prompt": "a film"}}
A_CAT = {"app": "acme/cat", "arguments": {"prompt": "a cat"}}


def test_a_job_appears_moves_and_ends(app: App, page: Page) -> None:
    pace(page, "manual")
    subscribed = Background(app, "subscribe", **A_FILM)
    row = rows(page).filter(has_text="acme/film")
    expect(row).to_contain_text("queued")
    row.get_by_role("button", name="Advance").click()
    expect(row).to_contain_text("running")
    row.get_by_role("button", name="Advance").click()
    expect(row).to_contain_text("finished")
    assert subscribed.outcome()["result"]["video"]["content_type"] == "video/mp4"
    expect(rows(page)).to_have_count(1)


def test_a_job_that_moves_by_itself(app: App, page: Page) -> None:
    pace(page, "3s")
    subscribed = Background(app, "subscribe", **A_FILM)
    row = rows(page).filter(has_text="acme/film")
    expect(row).to_contain_text("running")
    assert "updates" in subscribed.outcome()
    expect(row).to_contain_text("finished")
    expect(row).to_contain_text("fixtures.json#1")


def test_a_job_is_told_with_its_input_output_logs_and_calls(app: App, page: Page) -> None:
    app("subscribe", **A_FILM, with_logs=True)
    rows(page).get_by_role("button", name="acme/film").click()
    expect(page.get_by_role("region", name="Input")).to_contain_text("a film")
    output = page.get_by_role("region", name="Output")
    expect(output).to_contain_text("sunset.mp4")
    expect(output.locator("video")).to_have_js_property("videoWidth", 384)
    expect(page.get_by_role("region", name="Logs")).to_contain_text("half of the film")
    expect(page.get_by_role("region", name="Calls")).to_contain_text("submit")
    about = page.get_by_role("region", name="About")
    expect(about).to_contain_text("fixtures.json#1")
    expect(about).to_contain_text("0.5")
    page.get_by_text("What happened, as a list").click()
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("finished")


def test_a_job_is_held_released_and_completed(app: App, page: Page) -> None:
    pace(page, "3s")
    subscribed = Background(app, "subscribe", **A_FILM)
    row = rows(page).filter(has_text="acme/film")
    row.get_by_role("button", name="Hold").click()
    expect(row).to_contain_text("held")
    row.get_by_role("button", name="Release").click()
    expect(row).not_to_contain_text("held")
    row.get_by_role("button", name="Complete").click()
    expect(row).to_contain_text("finished")
    assert "video" in subscribed.outcome()["result"]


def test_a_job_fails_with_an_error_of_fals(app: App, page: Page) -> None:
    pace(page, "manual")
    subscribed = Background(app, "subscribe", **A_FILM)
    row = rows(page).filter(has_text="acme/film")
    row.get_by_role("button", name="Fail").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Error").select_option("content_policy_violation")
    dialog.get_by_role("button", name="Fail").click()
    expect(row).to_contain_text("failed")
    outcome = subscribed.outcome()["result"]
    assert (outcome["status"], "content_policy_violation" in str(outcome["message"])) == (422, True)


def test_a_fault_strikes_while_it_is_on(app: App, page: Page) -> None:
    beside = switches(page)
    beside.get_by_role("combobox", name="Error").select_option("internal_server_error")
    beside.get_by_label("Endpoint").fill("acme/cat")
    beside.get_by_role("button", name="Add fault").click()
    expect(page.get_by_role("main")).to_contain_text("1 fault on")
    assert app("run", **A_CAT)["status"] == 500
    beside.get_by_role("button", name="Remove the fault").click()
    expect(page.get_by_role("main")).not_to_contain_text("fault on")
    assert app("run", **A_CAT) == {"seed": 1}
    view(page, "Journal")
    expect(rows(page).filter(has_text="internal_server_error")).to_have_count(1)


def test_faults_are_cleared_together(app: App, page: Page) -> None:
    beside = switches(page)
    for error in ("internal_server_error", "content_policy_violation"):
        beside.get_by_role("combobox", name="Error").select_option(error)
        beside.get_by_label("Nth").fill("2")
        beside.get_by_role("button", name="Add fault").click()
        expect(beside.get_by_role("listitem").filter(has_text=error)).to_contain_text("call 2")
    beside.get_by_role("button", name="Clear faults").click()
    expect(beside.get_by_role("listitem")).to_have_count(0)
    assert [app("run", **A_CAT) for _ in range(2)] == [{"seed": 1}] * 2


def test_a_reset_empties_everything(app: App, page: Page) -> None:
    app("subscribe", **A_FILM)
    app("run", app="acme/none", arguments={"prompt": "a dog"})
    expect(rows(page)).to_have_count(1)
    switches(page).get_by_role("button", name="Reset").click()
    expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    view(page, "Misses")
    expect(page.get_by_role("heading", name="No misses")).to_be_visible()
    view(page, "Journal")
    expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()
    app("run", **A_CAT)
    expect(rows(page)).to_have_count(1)


def test_the_first_view_teaches_how_to_connect(page: Page, mock: Mitmdump) -> None:
    expect(page.get_by_role("main")).to_contain_text(mock.proxy)
    page.get_by_label("Program").select_option("curl")
    expect(page.get_by_role("main").locator("pre")).to_contain_text("curl")


def test_a_stream_unfolds_into_its_events(app: App, page: Page) -> None:
    app("stream", app="acme/told", arguments={"prompt": "a tale"})
    view(page, "Journal")
    rows(page).get_by_role("button", name="stream").click()
    expect(page.get_by_role("main")).to_contain_text("2 events")
    text = page.get_by_role("main").locator("pre").filter(has_text="once upon").text_content() or ""
    assert text == text.strip(), "no blank lines behind it"


def test_a_socket_unfolds_into_its_frames(app: App, page: Page, mock: Mitmdump) -> None:  # noqa: ARG001
    with running.app(CLIENTS / "programs" / "sockets.py", mock) as talker:
        heard = talker("realtime", app="acme/talks", steps=[["send", {"prompt": "hi"}], ["receive"]])
    assert heard[0]["answer"] == "of the frame"
    view(page, "Journal")
    rows(page).get_by_role("button", name="message").click()
    expect(page.get_by_role("main").locator("pre").filter(has_text="of the frame")).to_have_count(1)


def test_the_journal_pauses_and_goes_on(app: App, page: Page) -> None:
    app("run", **A_CAT)
    view(page, "Journal")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    app("run", **A_CAT)
    expect(page.get_by_role("main")).to_contain_text("1 call since")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(rows(page)).to_have_count(2)


def test_the_journal_is_filtered(app: App, page: Page) -> None:
    app("run", **A_CAT)
    app("run", app="acme/none", arguments={})
    view(page, "Journal")
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Only").select_option("misses")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("acme/none")
    page.get_by_label("Only").select_option("everything")
    page.get_by_label("Endpoint or path").fill("cat")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("acme/cat")


@pytest.mark.parametrize("name", ["a", "another scope"])
def test_a_scope_is_chosen(app: App, page: Page, mock: Mitmdump, name: str) -> None:
    app("run", **A_CAT)
    with control(mock) as client:
        assert client.put(f"/scopes/{name}", json={"pace": "manual"}).is_success
    switches(page).get_by_label("Scope").select_option(name)
    expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("The pace is manual")
    switches(page).get_by_label("Scope").select_option("")
    expect(page.get_by_role("main")).not_to_contain_text("The pace is manual")
