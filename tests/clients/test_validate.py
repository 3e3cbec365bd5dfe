"""Inputs of calls that fixtures answer, checked by the model's schema (`fal_validate`): warnings, and refusals in fal's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from clients import running
from clients import tape
from clients.painter import BAD
from clients.painter import CAT
from clients.painter import DETAIL
from clients.painter import PAINTER
from clients.painter import with_schema
from clients.running import Mitmdump
from clients.test_input_checks import PROGRAMS
from clients.test_input_checks import refused

WRITTEN = {
    "match": {"model": PAINTER},
    "response": {"json": {"written": True}},
    "queue": {"started": 0, "completed": 0},
}
ODD = {"prompt": "an odd cat", "num_images": 9}
RECORDED = {
    "match": {"model": PAINTER, "input": ODD, "exact": True},
    "response": {"json": {"recorded": True}},
    "queue": {"started": 0, "completed": 0},
    "recorded": {"at": "2026-11-20T10:11:12+00:00"},
}
WOULD = f"fal would refuse this input of {PAINTER}: prompt: field required; num_images is 6: input should be less than or equal to 4"


def checking(confdir: Path, folder: Path, *options: str) -> Any:
    return running.mitmdump(confdir, *options, fixtures=with_schema(folder / "fixtures", WRITTEN, RECORDED))


def journal(mock: Mitmdump) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = httpx.get(f"{mock.proxy}/__falmock/journal", trust_env=False).json()["entries"]
    return entries


def test_a_fixture_hides_no_wrong_input(confdir: Path, tmp_path: Path) -> None:
    with checking(confdir, tmp_path) as mock, tape.client(mock) as client:
        told = [client.post(f"https://{host}/{PAINTER}", json=BAD) for host in ("fal.run", "queue.fal.run", "fal.run")]
        assert told[0].json() == told[2].json() == {"written": True}
        for answer in told:
            assert unquote(answer.headers["x-falmock-warning"]) == WOULD
        misspelt = client.post(f"https://fal.run/{PAINTER}", json={"prompt": "a", "sed": 1})
        assert unquote(misspelt.headers["x-falmock-warning"]) == f"{PAINTER} ignores sed, did you mean 'seed'?"
        fine = client.post(f"https://fal.run/{PAINTER}", json=CAT)
        assert (fine.json(), "x-falmock-warning" in fine.headers) == ({"written": True}, False)
        odd = client.post(f"https://fal.run/{PAINTER}", json=ODD)
        assert (odd.json(), "x-falmock-warning" in odd.headers) == ({"recorded": True}, False)
        assert [entry["warning"] for entry in journal(mock)] == [
            *[WOULD] * 3,
            f"{PAINTER} ignores sed, did you mean 'seed'?",
            *[None] * 2,
        ]
    assert mock.output.count(WOULD) == 1, "logged once"
    assert mock.output.count("ignores sed") == 1


def test_it_is_refused_if_that_is_asked_for(confdir: Path, tmp_path: Path) -> None:
    with checking(confdir, tmp_path, "--set", "fal_validate=on") as mock:
        with running.app(PROGRAMS / "python_sync.py", mock) as app:
            assert app("run", app=PAINTER, arguments=BAD) == refused(DETAIL)
            assert app("subscribe", app=PAINTER, arguments=BAD)["result"] == refused(DETAIL)
            assert app("run", app=PAINTER, arguments=CAT) == {"written": True}
            # What fal itself answered to exactly this input
            assert app("run", app=PAINTER, arguments=ODD) == {"recorded": True}
            assert app("subscribe", app=PAINTER, arguments=ODD)["result"] == {"recorded": True}
        refusal, *_ = journal(mock)
    assert (refusal["status"], refusal["why"]) == (422, f"refused by the schema of {PAINTER}")
    assert "Traceback" not in mock.output


def test_it_is_not_checked_if_that_is_asked_for(confdir: Path, tmp_path: Path) -> None:
    with checking(confdir, tmp_path, "--set", "fal_validate=off") as mock, tape.client(mock) as client:
        answer = client.post(f"https://fal.run/{PAINTER}", json=BAD)
        assert (answer.json(), "x-falmock-warning" in answer.headers) == ({"written": True}, False)
        assert [entry["warning"] for entry in journal(mock)] == [None]
    assert "would refuse" not in mock.output
