"""Measures the memory growth of a mitmdump in replay during uploads (in the way of each client) and downloads of 2 GiB."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench_mitmdump import Proxied
from bench_mitmdump import mitmdump

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20
PART = 10 * MIB
AT_ONCE = 10
"""How many parts fal-client sends at a time."""
MAX_MIB = 64
REST = "rest.fal.ai"
UPLOADS = "v3.fal.media"
CDN = "v3b.fal.media"
NAMED = {"content-type": "video/mp4", "x-fal-file-name": "film.mp4", "authorization": "Key kid:ksecret"}


class Film:
    """A body of `size` bytes that differs from every other film."""

    def __init__(self, title: str, size: int) -> None:
        self.size = size
        self._block = (title.encode() * MIB)[:MIB]

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        for at in range(start, self.size if stop is None else stop, MIB):
            yield at.to_bytes(8, "big") + self._block[8:]

    def digest(self) -> str:
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


def bench_bodies(gib: float) -> bool:
    """Print the memory growth of each way; return whether the limit is met."""
    size = int(gib * 1024) * MIB
    print(
        f"bodies of {size / 2**30:g} GiB (memory of the proxy's process, over TLS; they lie in {tempfile.gettempdir()})"
    )
    addon = ROOT / "addon" / "falmock_addon.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fixtures = folder / "fixtures"
        fixtures.mkdir()
        (fixtures / "none.json").write_text('{"fixtures": []}')
        with mitmdump(folder, "-s", str(addon), "--set", f"fal_fixtures={fixtures}") as proxied:
            return bench_films("", proxied, gib, MAX_MIB)


def bench_films(kind: str, proxied: Proxied, gib: float, limit: int) -> bool:
    """Print how the memory of a server grows in each way; return whether it is within the limit (MiB)."""
    size = int(gib * 1024) * MIB
    _warm_up(proxied)
    met = True
    for label, upload in (("POST", _post), ("PUT", _put), ("parts", _in_parts)):
        film = Film(label, size)
        what = f"{kind} up by {label}".strip()
        met &= report(proxied, what, size, limit, lambda film=film, upload=upload: _note(upload, proxied, film))
    what = f"{kind} down".strip()
    return met & report(proxied, what, size, limit, lambda: _download(proxied, Film("parts", size)))


_urls: dict[str, str] = {}


def _note(upload: Callable[[Proxied, Film], str], proxied: Proxied, film: Film) -> None:
    _urls[upload.__name__] = upload(proxied, film)


def report(proxied: Proxied, what: str, size: int, limit: int, action: Callable[[], object]) -> bool:
    """Call `action` and print the memory growth of the process; return whether it is within the limit."""
    Path(f"/proc/{proxied.pid}/clear_refs").write_text("5")  # resets the peak
    before, started = memory(proxied.pid, "VmRSS"), time.perf_counter()
    action()
    took = time.perf_counter() - started
    peak, after = memory(proxied.pid, "VmHWM") - before, memory(proxied.pid, "VmRSS") - before
    met = peak <= limit
    verdict = "ok" if met else "OVER"
    speed = f"{size / MIB / took:5.0f} MiB/s"
    print(f"  {what:<22} {peak:+7.1f} MiB at most, {after:+7.1f} MiB after   limit {limit} MiB  {verdict}   ({speed})")
    return met


def memory(pid: int, name: str) -> float:
    """The memory of a process in MiB: VmRSS for the current size, VmHWM for the peak."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    return int(found[1]) / 1024 if found else 0.0


def _warm_up(proxied: Proxied) -> None:
    """Use each way once, so that all code is loaded."""
    film = Film("short", 4 * MIB)
    for upload in (_post, _put, _in_parts):
        _note(upload, proxied, film)
    _download(proxied, film)


def _call(
    proxied: Proxied, method: str, host: str, path: str, body: object = None, headers: dict[str, str] = NAMED
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = proxied.connect(host)
    connection.request(method, path, body, headers)  # type: ignore[arg-type]
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{method} https://{host}{path}: {answer.status} {content[:500]!r}")
    return answer, content


def _path(url: str) -> str:
    return "/" + url.removeprefix("https://").partition("/")[2]


def _of_length(size: int) -> dict[str, str]:
    return {**NAMED, "content-length": str(size)}


def _post(proxied: Proxied, film: Film) -> str:
    """As the Python client below 100 MiB."""
    _, content = _call(proxied, "POST", UPLOADS, "/files/upload", film.pieces(), _of_length(film.size))
    return str(json.loads(content)["access_url"])


def _put(proxied: Proxied, film: Film) -> str:
    """As the JavaScript client below 90 MiB."""
    body = json.dumps({"content_type": "video/mp4", "file_name": "film.mp4"})
    headers = {**NAMED, "content-type": "application/json"}
    _, content = _call(proxied, "POST", REST, "/storage/upload/initiate?storage_type=fal-cdn-v3", body, headers)
    urls = json.loads(content)
    _call(proxied, "PUT", CDN, _path(urls["upload_url"]), film.pieces(), _of_length(film.size))
    return str(urls["file_url"])


def _in_parts(proxied: Proxied, film: Film) -> str:
    """As the Python client from 100 MiB on."""
    _, content = _call(proxied, "POST", CDN, "/files/upload/multipart")
    begun = json.loads(content)
    path = f"{_path(begun['access_url'])}/multipart/{begun['uploadId']}"

    def send(number: int) -> dict[str, object]:
        start = (number - 1) * PART
        stop = min(start + PART, film.size)
        answer, _ = _call(proxied, "PUT", CDN, f"{path}/{number}", film.pieces(start, stop), _of_length(stop - start))
        return {"partNumber": number, "etag": answer.headers["etag"]}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = list(pool.map(send, range(1, -(-film.size // PART) + 1)))
    _call(proxied, "POST", CDN, f"{path}/complete", json.dumps({"parts": parts}))
    return str(begun["access_url"])


def _download(proxied: Proxied, film: Film) -> None:
    connection = proxied.connect(CDN)
    connection.request("GET", _path(_urls["_in_parts"]))
    answer, digest = connection.getresponse(), hashlib.sha256()
    while piece := answer.read(MIB):
        digest.update(piece)
    connection.close()
    if digest.hexdigest() != film.digest():
        raise SystemExit("the downloaded body differs from the uploaded one")
