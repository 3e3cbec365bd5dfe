"""Measures direct calls: CPU of the proxy's process, relative to the same call through the proxy.

All go to one mitmdump, in turns, each on its own keep-alive connection.
"""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench_figures import report
from bench_mitmdump import Proxied
from bench_mitmdump import mitmdump
from bench_samples import ENDPOINT
from bench_samples import flux_input
from bench_samples import write_fixtures

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.15
KEY = {"content-type": "application/json", "authorization": "Key kid:ksecret"}


class Way:
    """A way to call mitmdump; `request` returns the target and headers for a fal host and path."""

    def __init__(self, name: str, port: int, request: Callable[[str, str], tuple[str, dict[str, str]]]) -> None:
        self.name = name
        self._request = request
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method: str, host: str, path: str, body: bytes | None = None) -> bytes:
        target, headers = self._request(host, path)
        self._connection.request(method, target, body, KEY | headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{self.name}: {method} {target} was answered {answer.status} {content[:200]!r}")
        return content

    def close(self) -> None:
        self._connection.close()


def ways(port: int) -> list[Way]:
    """The proxy itself, then the direct doors."""
    return [
        Way("through the proxy", port, lambda host, path: (f"http://{host}{path}", {})),
        Way("Host: fal.run", port, lambda host, path: (path, {"host": host})),
        Way("/fal with x-fal-target-host", port, lambda host, path: (f"/fal{path}", {"x-fal-target-host": host})),
        Way(
            "/api/fal/proxy", port, lambda host, path: ("/api/fal/proxy", {"x-fal-target-url": f"https://{host}{path}"})
        ),
    ]


def bench_doors(rounds: int, repeats: int) -> bool:
    """Print the costs of direct calls; return whether the limit is met."""
    sent = json.dumps(flux_input(0)).encode()
    print("direct doors (CPU of the mitmdump process per call, on kept-alive connections without TLS)")
    addon = ROOT / "addon" / "falmock_addon.py"
    with (
        tempfile.TemporaryDirectory() as name,
        mitmdump(Path(name), "-s", str(addon), "--set", f"fal_fixtures={write_fixtures(Path(name), 1)}") as proxied,
    ):
        through, *doors = ways(proxied.port)
        submitted = through.call("POST", "queue.fal.run", f"/{ENDPOINT}", sent)
        status = f"/fal-ai/flux/requests/{json.loads(submitted)['request_id']}/status"
        calls = {
            "Run": lambda way: way.call("POST", "fal.run", f"/{ENDPOINT}", sent),
            "Status": lambda way: way.call("GET", "queue.fal.run", status),
        }
        health = Way("GET /health", proxied.port, lambda *_: ("/health", {}))
        met = True
        for label, call in calls.items():
            if label == "Status":  # the cheapest direct call, compared with the cheapest fal call
                doors.append(health)
            ratios = _ratios(proxied, through, doors, call, rounds, repeats)
            for door in doors:
                met &= report(f"{label}, {door.name}", ratios[door.name], LIMIT, "through the proxy")
        for way in (through, *doors):
            way.close()
        return met


def _ratios(
    proxied: Proxied, through: Way, doors: list[Way], call: Callable[[Way], bytes], rounds: int, repeats: int
) -> dict[str, list[float]]:
    ratios: dict[str, list[float]] = {door.name: [] for door in doors}
    for way in (through, *doors):
        _cpu_of(proxied, way, call, 50)
    for _ in range(rounds):
        floor = _cpu_of(proxied, through, call, repeats)
        for door in doors:
            ratios[door.name].append(_cpu_of(proxied, door, call, repeats) / floor)
    print(f"  through the proxy: {floor * 1e6:.0f} us")
    return ratios


def _cpu_of(proxied: Proxied, way: Way, call: Callable[[Way], bytes], repeats: int) -> float:
    before = proxied.cpu()
    for _ in range(repeats):
        call(way)
    return (proxied.cpu() - before) / repeats
