"""The npm package in the real test runners: vitest, jest and Playwright with Chromium. And the recipes of its README, as printed."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from clients import browser
from clients import npm_projects
from clients import running
from clients.npm_projects import PROJECTS
from clients.npm_projects import User
from clients.upstream import Upstream

MISSED = '$.prompt: expected "a cat", found "a dog"'
FAILS = "fails: a miss"
ECHO = """
import { fal } from "@fal-ai/client";
import { useFalmock } from "falmock/vitest";
import { expect, test } from "vitest";

const falmock = useFalmock();

test("echoes", async () => {
  const { data } = await fal.run("test/echo", { input: { prompt: "a cow" } });
  expect(data.input.prompt).toBe("a cow");
  await falmock.verify([{ endpoint: "test/echo", times: 1 }]);
});
"""
BIN = "node_modules/.bin"
CONFIG = "playwright.config.mjs"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    return User(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def archive(user: User, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm_projects.pack(user, tmp_path_factory.mktemp("npm"))[0]


def split(tests: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """The tests that passed, and the others with their messages."""
    return [name for name, why in tests.items() if not why], {name: why for name, why in tests.items() if why}


def write(folder: Path, files: dict[str, str], *names: str) -> None:
    """Write these blocks of the README to where their names say."""
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[name], "utf-8")


def test_vitest_and_its_recipe(user: User, archive: Path, tmp_path: Path) -> None:
    """One run: files with the falmock of the global setup, which are in workers side by side, and one with its own."""
    project = npm_projects.project(tmp_path / "vitest", archive, "vitest")
    write(project, npm_projects.printed(), "src/image.mjs", "tests/image.test.mjs", "vitest.config.mjs")
    ended = user.run(project, f"{BIN}/vitest", "run", "--reporter=json", "--outputFile=report.json")
    assert ended.code == 1, ended.output
    passed, failed = split(npm_projects.of_vitest(project / "report.json"))
    assert set(failed) - {"fails: at the same time as the next"} == {FAILS, "fails: at the same time as the last"}
    assert MISSED in failed[FAILS]
    assert "2 calls were not answered" in failed[FAILS]
    assert failed[FAILS].count(MISSED) == 1, "each report once"
    assert "from the real fal: FALMOCK_MODE=auto npx vitest run\n" in failed[FAILS]
    assert "without test.concurrent" in failed["fails: at the same time as the last"]
    assert len(passed) >= 9
    assert "draws what it is told" in passed


def test_a_suite_is_recorded_and_replayed(user: User, archive: Path, tmp_path: Path, fal: Upstream) -> None:
    """The same tests, first with a stand-in for fal behind a mitmdump, and then without."""
    project = npm_projects.project(tmp_path / "vitest", archive, "vitest")
    shutil.rmtree(project / "tests")
    (project / "echo.test.mjs").write_text(ECHO, "utf-8")
    command = shlex.join(fal.falmock)
    without = user.run(project, f"{BIN}/vitest", "run", FALMOCK_MODE="record")
    assert "mode record forwards calls to fal, for which the app needs your key: set FAL_KEY" in without.output
    ended = user.run(
        project, f"{BIN}/vitest", "run", FALMOCK_MODE="record", FAL_KEY=running.KEY, FALMOCK_COMMAND=command
    )
    assert ended.code == 0, ended.output
    (asked,) = [seen for seen in fal.seen if "test/echo" in seen.line]
    assert "x-falmock-scope" not in asked.headers
    (file,) = (project / "fixtures").rglob("a-cow*.json")
    assert running.KEY not in file.read_text("utf-8")
    before = len(fal.seen)
    ended = user.run(project, f"{BIN}/vitest", "run")
    assert ended.code == 0, ended.output
    assert len(fal.seen) == before


def test_jest_and_its_recipe(user: User, archive: Path, tmp_path: Path) -> None:
    """With `require` and with `import`, in its sandbox."""
    project = npm_projects.project(tmp_path / "jest", archive, "jest")
    config = npm_projects.printed()["jest.config.mjs"]
    more = 'testMatch: ["**/*.test.?js"], transform: {} };'  # what these files need, and those of a user who has Babel do not
    (project / "jest.config.mjs").write_text(config.replace("};", f", {more}"), "utf-8")
    ended = user.run(
        project, f"{BIN}/jest", "--json", "--outputFile=report.json", NODE_OPTIONS="--experimental-vm-modules"
    )
    assert ended.code == 1, ended.output
    passed, failed = split(npm_projects.of_vitest(project / "report.json"))
    assert set(failed) == {FAILS}
    assert MISSED in failed[FAILS]
    assert "from the real fal: FALMOCK_MODE=auto npx jest\n" in failed[FAILS]
    assert sorted(passed) == [
        "answers all calls of a test in its scope",
        "begins a scope of its own",
        "moves jobs by hand",
    ]


def playwright(user: User, project: Path, *command: str) -> tuple[list[str], dict[str, str]]:
    """Run Playwright's tests; those that passed, and the others."""
    chromium = str(browser.require())
    user.run(
        project,
        *command,
        f"{BIN}/playwright",
        "test",
        "--reporter=json",
        CHROMIUM=chromium,
        PLAYWRIGHT_JSON_OUTPUT_NAME="report.json",
    )
    return split(npm_projects.of_playwright(project / "report.json"))


def test_playwright(user: User, archive: Path, tmp_path: Path) -> None:
    """The README's recipe with a backend for each worker, in two workers."""
    browser.require()
    project = npm_projects.project(tmp_path / "playwright", archive, "playwright")
    write(project, npm_projects.printed(), "tests/app.mjs")
    page = npm_projects.printed()["tests/page.spec.mjs"]
    (project / "tests" / "page.spec.mjs").write_text(page.replace("falmock/playwright", "./app.mjs"), "utf-8")
    passed, failed = playwright(user, project)
    assert set(failed) == {FAILS}
    assert MISSED in failed[FAILS]
    assert "from the real fal: FALMOCK_MODE=auto npx playwright test\n" in failed[FAILS]
    assert len(passed) == 5


def test_playwright_below_falmock_run(user: User, archive: Path, tmp_path: Path) -> None:
    """The README's recipe with `webServer`: the one backend is in the scope of the pages."""
    browser.require()
    project = npm_projects.project(tmp_path / "playwright", archive, "playwright")
    shutil.rmtree(project / "tests")
    files = npm_projects.printed()
    write(project, files, "tests/page.spec.mjs")
    (port,) = running.free_ports(1)
    chromium = 'launchOptions: { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] },'
    config = files[CONFIG].replace("3000", str(port)).replace("use: {", f"use: {{ {chromium}")
    (project / CONFIG).write_text(config, "utf-8")
    passed, failed = playwright(user, project, "node_modules/falmock/bin/falmock.cjs", "run", "--")
    assert (passed, failed) == (["shows a picture"], {})


def test_types(user: User, archive: Path, tmp_path: Path) -> None:
    project = npm_projects.project(tmp_path / "types", archive, "vitest")
    shutil.copy(PROJECTS / "types.mts", project)
    options = ("--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022")
    ended = user.run(project, f"{BIN}/tsc", *options, "types.mts")
    assert (ended.code, ended.output) == (0, "")
