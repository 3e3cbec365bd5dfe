"""How kinds of clients are recognized."""

from __future__ import annotations

import pytest

from falmock.serving.runtimes import LIBRARIES
from falmock.serving.runtimes import RUNTIMES
from falmock.serving.runtimes import library_of
from falmock.serving.runtimes import runs
from falmock.serving.runtimes import runtime_of

PYTHON = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F)
NODE = (0x1302, 0x1303, 0x1301, 0xC02F, 0xC02B, 0xC030)
CURL = (0x1302, 0x1303, 0x1301, 0xC02C, 0xC030, 0x9F)


@pytest.mark.parametrize(
    ("agent", "ciphers", "name"),
    [
        ("curl/7.88.1", CURL, "curl"),
        ("Python/3.11 aiohttp/3.9.1", PYTHON, "Python"),
        ("python-requests/2.32", PYTHON, "Python"),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/156.0.0.0 Safari/537.36", (0x8A8A, 0x1301), "Chromium"),
        ("Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0", (0x1301,), "Firefox"),
        ("Java/17.0.15", (), "Java"),
        ("Java-http-client/17.0.15", (), "Java"),
        ("Go-http-client/1.1", (), "Go"),
        ("Deno/2.9.6", (), "Deno"),
        ("", NODE, "Node.js"),
        ("", PYTHON, "Python"),
        *(("", (grease, 0x1301), "Chromium") for grease in (0x0A0A, 0xCACA, 0xFAFA)),
        ("", CURL, None),
        ("", (), None),
        ("somebody/1", NODE, None),
    ],
)
def test_a_runtime_is_recognized(agent: str, ciphers: tuple[int, ...], name: str | None) -> None:
    found = runtime_of(agent, ciphers)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("node", "Node.js"),
        ("nodejs", "Node.js"),
        ("node-gyp", None),
        ("python3.11", "Python"),
        ("pypy3", "Python"),
        ("bun", "Bun"),
        ("deno", "Deno"),
        ("java", "Java"),
        ("javac", None),
        ("php8.2", "PHP"),
        ("php-cgi", "PHP"),
        ("ruby3.1", "Ruby"),
        ("curl", "curl"),
        ("chromium", "Chromium"),
        ("chrome-headless-shell", "Chromium"),
        ("server", None),
        ("", None),
    ],
)
def test_a_runtime_is_recognized_by_its_program(program: str, name: str | None) -> None:
    found = runs(program)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Python/3.11 aiohttp/3.14.3", "aiohttp"),
        ("python-urllib3/2.8.0", "urllib3"),
        ("Python/3.11 websockets/12.0", "websockets"),
        ("python-requests/2.34.2", None),
        ("", None),
    ],
)
def test_a_library_is_recognized(agent: str, name: str | None) -> None:
    found = library_of(agent)
    assert (found and found.name) == name


def test_each_has_a_name_of_its_own() -> None:
    for table in (RUNTIMES, LIBRARIES):
        names = [each.name for each in table]
        assert len(names) == len(set(names))
