"""The shortest way through everything: one call through a real mitmdump."""

from __future__ import annotations

from pathlib import Path

import httpx

from clients.running import mitmdump
from clients.running import write_fixtures


def test_a_run_through_the_proxy(tmp_path: Path, confdir: Path) -> None:
    fixtures = write_fixtures(
        tmp_path / "fixtures",
        {"match": {"model": "fal-ai/flux/dev", "input": {"prompt": "a cat"}}, "response": {"json": {"seed": 2**64 - 1}}},
    )
    with mitmdump(confdir, fixtures=fixtures) as mock, httpx.Client(proxy=mock.proxy, verify=_trust(mock.ca)) as client:
        answer = client.post("https://fal.run/fal-ai/flux/dev", json={"prompt": "a cat"})
    assert answer.status_code == 200
    assert answer.json() == {"seed": 2**64 - 1}


def _trust(ca: Path) -> object:
    import ssl

    return ssl.create_default_context(cafile=str(ca))
