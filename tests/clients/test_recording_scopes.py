"""A recording keeps which scope, which is a test, made it."""

from __future__ import annotations

from pathlib import Path

from clients import tape
from clients.running import mitmdump
from clients.upstream import recording
from clients.upstream import upstream

RUN = "https://fal.run/test/echo"


def scopes(folder: Path) -> dict[str, str | None]:
    """The scope of each recording, by what it answers."""
    return {entry["match"]["input"]["by"]: entry["recorded"].get("scope") for entry in tape.entries(folder)}


def test_a_recording_names_its_scope(confdir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures"
    with upstream() as fal:
        with recording(confdir, fal, folder) as mock:
            with tape.client(mock, headers=tape.AUTH | {"x-falmock-scope": "tests/a.py::one"}) as app:
                assert app.post(RUN, json={"by": "header"}).status_code == 200
                assert tape.job(app, "test/echo", {"by": "job"}).status_code == 200
            with tape.client(mock, proxy=mock.proxy.replace("://", "://worker-2:x@")) as app:
                assert app.post(RUN, json={"by": "user"}).status_code == 200
            with tape.client(mock) as app:
                assert app.post(RUN, json={"by": "nobody"}).status_code == 200
        before = scopes(folder)
        with recording(confdir, fal, folder) as mock:
            with tape.client(mock, headers=tape.AUTH | {"x-test-id": "another"}) as app:
                assert app.post(RUN, json={"by": "header"}).status_code == 200
            with tape.client(mock) as app:
                assert app.post(RUN, json={"by": "user"}).status_code == 200
    one = "tests/a.py::one"
    assert before == {"header": one, "job": one, "user": "worker-2", "nobody": None}
    assert scopes(folder) == {"header": "another", "job": one, "user": None, "nobody": None}
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:  # it never takes part in matching
        assert app.post(RUN, json={"by": "header"}).status_code == 200
