"""A miss is told with its reason, and becomes a fixture, in memory or on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator
from playwright.sync_api import Page
from playwright.sync_api import expect

from clients.inspector.inspecting import control
from clients.inspector.inspecting import expects
from clients.inspector.inspecting import rows
from clients.inspector.inspecting import view
from clients.painter import PAINTER
from clients.running import Mitmdump

App = Callable[..., Any]
A_DOG = {"app": "acme/cat", "arguments": {"prompt": "a dog"}}
A_PICTURE = {"app": PAINTER, "arguments": {"prompt": "a picture"}}
ANOTHER_DOG = {"app": "acme/cat", "arguments": {"prompt": "a dog", "steps": 4}}


def missed(app: App, page: Page, call: dict[str, Any] = A_DOG) -> Locator:
    """Make a call that no fixture answers, and open the form that makes a fixture of it."""
    assert app("run", **call)["status"] == 404
    view(page, "Misses")
    page.get_by_role("button", name="Make this a fixture").click()
    return page.get_by_role("form", name="Make this a fixture")


def save(page: Page, form: Locator) -> None:
    form.get_by_role("button", name="Save fixture").click()
    expect(form).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("answered from now on")


def test_a_miss_is_told_with_the_difference(app: App, page: Page) -> None:
    for _ in range(3):
        assert app("run", **A_DOG)["status"] == 404
    view(page, "Misses")
    expect(rows(page).first).to_contain_text("3")
    expect(rows(page).get_by_role("button", name="acme/cat")).to_have_attribute("aria-expanded", "true")
    difference = page.locator("table.differences tbody tr").filter(has_text="prompt")
    expect(difference).to_contain_text("a cat")
    expect(difference).to_contain_text("a dog")


def test_a_call_in_the_journal_leads_to_its_miss(app: App, page: Page) -> None:
    for call in (A_DOG, ANOTHER_DOG, A_PICTURE):
        assert app("run", **call)["status"] == 404
    view(page, "Journal")
    rows(page).get_by_role("button", name="run").nth(1).click()
    page.get_by_role("link", name="In the misses").click()
    page.get_by_role("main", name="Misses").wait_for()
    row = page.locator("table.misses > tbody > tr:not(.unfolded)")
    expect(row).to_contain_text("acme/cat")
    expect(row.get_by_role("button")).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("region", name="Asked")).to_contain_text("steps")
    page.get_by_role("link", name="All misses").click()
    expect(row).to_have_count(3)


def test_a_miss_leads_to_its_call_in_the_journal(app: App, page: Page) -> None:
    for call in (A_DOG, ANOTHER_DOG):
        assert app("run", **call)["status"] == 404
    view(page, "Misses")
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.get_by_role("main", name="Journal")).to_contain_text("Only call 2.")
    expect(page.locator("table.journal > tbody > tr:not(.unfolded)")).to_have_count(1)
    expect(page.get_by_text("fal.run/acme/cat")).to_be_visible()
    page.get_by_role("link", name="All calls").click()
    expect(page.locator("table.journal > tbody > tr:not(.unfolded)")).to_have_count(2)


def test_the_same_call_passes_when_its_miss_is_a_fixture(app: App, page: Page, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    form = missed(app, page)
    form.get_by_label("From the nearest fixture").check()
    form.get_by_label("In memory").check()
    save(page, form)
    assert app("run", **A_DOG) == {"seed": 1}
    assert app("run", **ANOTHER_DOG)["status"] == 404, "only the exact input was to match"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_any_input_and_an_error(app: App, page: Page) -> None:
    form = missed(app, page)
    form.get_by_label("Any input").check()
    form.get_by_label("An error").check()
    form.get_by_role("combobox", name="Error").select_option("content_policy_violation")
    save(page, form)
    refused = app("run", **ANOTHER_DOG)
    assert (refused["status"], "content_policy_violation" in str(refused["message"])) == (422, True)


def test_the_prompt_alone_and_an_answer_that_is_made(app: App, page: Page) -> None:
    form = missed(app, page, A_PICTURE)
    form.get_by_label("Prompt only").check()
    form.get_by_label("From the schema").check()
    save(page, form)
    answer = app("run", app=PAINTER, arguments={**A_PICTURE["arguments"], "num_images": 2})
    assert len(answer["images"]) == 1, "the answer is that of the call that missed"


def test_an_answer_with_a_file_of_ones_own(app: App, page: Page, tmp_path: Path, folder: Path) -> None:
    film = tmp_path / "mine.mp4"
    film.write_bytes((folder / "_assets" / "sunset.mp4").read_bytes())
    form = missed(app, page, A_PICTURE)
    form.get_by_label("From a file").check()
    form.get_by_label("or a file of yours").set_input_files(film)
    save(page, form)
    (image,) = app("run", **A_PICTURE)["images"]
    assert app("download", url=image["url"], headers={})["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()


def test_no_answer_can_be_made_of_nothing(app: App, page: Page) -> None:
    expects(page, "status of 409")
    form = missed(app, page)
    form.get_by_label("From the schema").check()
    expect(form.get_by_role("alert")).to_contain_text("nothing is known of what acme/cat answers")
    expect(form.get_by_role("button", name="Save fixture")).to_be_disabled()


def test_a_fixture_is_written_beside_what_is_there(app: App, page: Page, folder: Path, mock: Mitmdump) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    form = missed(app, page, ANOTHER_DOG)
    form.get_by_label("From the nearest fixture").check()
    form.get_by_label("In the fixtures folder").check()
    shown = form.locator("summary code")
    expect(shown).to_contain_text(".json")
    told = shown.inner_text()
    save(page, form)
    assert app("run", **ANOTHER_DOG) == {"seed": 1}
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path: after.get(path) for path in before} == before, "what was there is as it was"
    (new,) = after.keys() - before.keys()
    assert str(new).endswith(told.rpartition("…")[2]), "the path was shown before"
    (fixture,) = json.loads(new.read_text())["fixtures"]
    assert fixture["match"]["input"] == ANOTHER_DOG["arguments"]
    new.unlink()
    with control(mock) as client:
        assert client.post("/fixtures/reload").is_success


def test_a_file_that_is_there_is_not_written(app: App, page: Page, folder: Path, mock: Mitmdump) -> None:
    before = (folder / "fixtures.json").read_bytes()
    form = missed(app, page)
    form.get_by_label("In the fixtures folder").check()
    form.get_by_label("File (optional)").fill("fixtures.json")
    expect(form.locator("summary code")).to_contain_text("fixtures-2.json")
    save(page, form)
    assert (folder / "fixtures.json").read_bytes() == before
    (folder / "fixtures-2.json").unlink()
    with control(mock) as client:
        assert client.post("/fixtures/reload").is_success


@pytest.mark.parametrize("file", ["../outside", "/tmp/outside", "_assets/inside"])
def test_no_file_outside_the_folder_is_written(app: App, page: Page, folder: Path, file: str) -> None:
    expects(page, "status of 400")
    before = sorted(folder.parent.rglob("*"))
    form = missed(app, page)
    form.get_by_label("In the fixtures folder").check()
    form.get_by_label("File (optional)").fill(file)
    expect(form.get_by_role("alert")).to_be_visible()
    expect(form.get_by_role("button", name="Save fixture")).to_be_disabled()
    assert sorted(folder.parent.rglob("*")) == before
