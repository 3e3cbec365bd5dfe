"""How the real clients report each of fal's named errors, for a run and for a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients import running
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import ErrorKind
from falmock.wire.errors import ErrorSpec
from falmock.wire.errors import envelope
from falmock.wire.message import REASONS

Seen = dict[str, dict[str, Any]]
APPS = {name: f"acme/{name.replace('_', '-')}" for name in ERRORS}
"""An endpoint for each error."""
TURNED_AWAY = [name for name in ERRORS if ERRORS[name].kind.turns_away]
PAGES = [name for name in ERRORS if ERRORS[name].kind is ErrorKind.PAGE]
WAYS = ["run", "subscribe"]


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    """A mock with one fixture for each error, that is nothing but this fault."""
    fixtures = [{"match": {"model": app}, "fault": name} for name, app in APPS.items()]
    with mitmdump(confdir, fixtures=write_fixtures(tmp_path_factory.mktemp("errors") / "fixtures", *fixtures)) as made:
        yield made


def said(name: str) -> Any:
    """The JSON that the wire carries for an error."""
    return envelope(ErrorSpec(name), APPS[name]).value


def calls(mock: Mitmdump, name: str, host: str) -> int:
    """How often a client called the endpoint of an error."""
    return mock.output.count(f"POST https://{host}/{APPS[name]}\n")


@pytest.fixture(scope="module")
def python(mock: Mitmdump) -> Seen:
    with running.app(CLIENTS / "programs" / "python_hasty.py", mock) as app:
        return {
            name: {
                "run": app("run", app=path, arguments={}),
                "subscribe": app("subscribe", app=path, arguments={})["result"],
            }
            for name, path in APPS.items()
        }


@pytest.fixture(scope="module")
def js(mock: Mitmdump) -> Seen:
    with running.app(CLIENTS / "programs" / "client.mjs", mock, seconds=120) as app:
        seen = app("each", apps=list(APPS.values()), input={})
    return {name: seen[path] for name, path in APPS.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ERRORS)
def test_what_python_raises(python: Seen, name: str, way: str) -> None:
    body = said(name)
    assert python[name][way] == {
        "raised": "FalClientHTTPError",
        "status": ERRORS[name].status,
        "message": body["detail"] if body and "detail" in body else envelope(ErrorSpec(name)).body.decode(),
        "error_type": body.get("error_type") if body else None,
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ERRORS)
def test_what_js_raises(js: Seen, name: str, way: str) -> None:
    found, body, status = js[name][way], said(name), ERRORS[name].status
    phrase = REASONS[status].decode()
    assert found["raised"] == ("ValidationError" if status == 422 else "ApiError")
    assert found["status"] == status
    assert found["message"] == (phrase if body else f"HTTP {status}: {phrase}")
    assert found.get("body") == body
    assert found.get("fieldErrors") == (body["detail"] if status == 422 else None)
    assert found.get("timeoutType") == ("user" if name == "user_timeout" else None)
    assert bool(found.get("requestId")) is (name not in TURNED_AWAY)


@pytest.mark.parametrize("name", ERRORS)
def test_how_often_python_tries(mock: Mitmdump, python: Seen, js: Seen, name: str) -> None:
    # Both clients called the run once for sure; the rest is what they tried again.
    assert python[name]
    assert js[name]
    again_in_js = ERRORS[name].status in (429, 502, 503, 504) and name != "user_timeout"
    again_in_python = ERRORS[name].status == 429 or name in PAGES
    assert calls(mock, name, "fal.run") == (4 if again_in_js else 1) + (10 if again_in_python else 1)
    if name not in TURNED_AWAY:
        assert calls(mock, name, "queue.fal.run") == 2
