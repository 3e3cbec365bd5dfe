"""The stand-in for fal, called directly: it behaves as fal is known to, and as tests configure it."""

from __future__ import annotations

import gzip
import json
import ssl
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from clients.running import CLIENTS
from clients.running import KEY
from clients.upstream import Answer
from clients.upstream import Asked
from clients.upstream import Fal
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import shared
from clients.upstream import upstream
from clients.upstream.models import ROUTES

App = Callable[..., Any]
AUTH = {"Authorization": f"Key {KEY}"}
NO_SUCH_ID = "01900000-0000-7000-8000-000000000000"
QUEUE = "https://queue.fal.run"
fal, _calm = shared.fal, shared.calm


class Direct(httpx.BaseTransport):
    """Takes every host to the stand-in."""

    def __init__(self, fal: Upstream) -> None:
        self._port = fal.port
        limits = httpx.Limits(max_connections=64)
        self._inner = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=str(fal.ca)), limits=limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@pytest.fixture
def client(fal: Upstream) -> Iterator[httpx.Client]:
    with httpx.Client(transport=Direct(fal), headers=AUTH, timeout=10) as client:
        yield client


def submit(client: httpx.Client, endpoint: str, **value: Any) -> dict[str, Any]:
    answer = client.post(f"{QUEUE}/{endpoint}", json=value)
    assert answer.status_code == 200
    return answer.json()


def test_the_gateway_words_json_in_its_own_way(client: httpx.Client) -> None:
    answer = client.post(f"{QUEUE}/test/waiting", json={})
    assert list(answer.json()) == [
        *("status", "request_id", "response_url", "status_url", "cancel_url", "logs", "metrics", "queue_position")
    ]
    assert answer.text.startswith('{"status": "IN_QUEUE", "request_id": "')
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-fal-request-id"] == answer.json()["request_id"]


def test_a_model_words_json_in_its_own_way(client: httpx.Client) -> None:
    job = submit(client, "test/echo", prompt="é")
    answer = client.get(job["response_url"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-fal-request-id"] == job["request_id"]
    assert answer.text.endswith(',"input":{"prompt":"é"}}')


def test_the_ways_of_a_job(client: httpx.Client) -> None:
    job = submit(client, "test/echo", pace={"queued": 0.3, "running": 0.3, "positions": 2, "logs": ["a"]})
    seen = []
    while not seen or seen[-1][1] != "COMPLETED":
        answer = client.get(job["status_url"], params={"logs": "true"})
        seen.append((answer.status_code, answer.json()["status"]))
    assert list(dict.fromkeys(seen)) == [(202, "IN_QUEUE"), (202, "IN_PROGRESS"), (200, "COMPLETED")]
    assert client.get(job["response_url"]).status_code == 200
    assert client.get(f"{job['status_url']}/").status_code == 200
    assert client.get(job["status_url"].replace("test/echo", "test/echo/sub")).status_code == 405


def test_a_result_that_is_asked_for_early(client: httpx.Client) -> None:
    answer = client.get(submit(client, "test/endless")["response_url"])
    assert (answer.status_code, answer.json()) == (400, {"detail": "Request is still in progress"})


def test_an_unknown_request(client: httpx.Client) -> None:
    url = f"{QUEUE}/test/echo/requests/{NO_SUCH_ID}"
    for answer in (client.get(f"{url}/status"), client.get(url), client.put(f"{url}/cancel")):
        assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})


def test_a_deadline(client: httpx.Client) -> None:
    headers = {"X-Fal-Request-Timeout": "0.2"}
    sync = client.post("https://fal.run/test/waiting", json={}, headers=headers)
    job = client.post(f"{QUEUE}/test/waiting", json={}, headers=headers).json()
    time.sleep(0.3)
    assert client.get(job["status_url"]).json()["error_type"] == "request_timeout"
    for answer in (sync, client.get(job["response_url"])):
        assert answer.status_code == 504
        assert answer.headers["x-fal-request-timeout-type"] == "user"


def test_a_stream_of_statuses(client: httpx.Client) -> None:
    job = submit(client, "test/slow")
    url = f"{job['status_url']}/stream"
    with client.stream("GET", url, params={"logs": "1"}) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        arrived = [(time.monotonic(), json.loads(line[6:])) for line in answer.iter_lines() if line]
    assert arrived[-1][0] - arrived[0][0] > 1, "it came all at once"
    events = [event for _, event in arrived]
    assert list(dict.fromkeys(event["status"] for event in events)) == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert all(event != before for before, event in pairwise(events)), "only changes are told"
    logs = [log["message"] for event in events for log in event["logs"] or ()]
    assert logs == ["loading", "step 1 of 2", "step 2 of 2"], "each event has the new lines alone"


def test_a_stream_of_a_model(client: httpx.Client) -> None:
    answer = client.post("https://fal.run/test/llm/stream", json={"prompt": "x"})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [event["partial"] for event in events] == [True] * 4 + [False]
    whole = client.post("https://fal.run/test/llm", json={"prompt": "x"}).json()
    assert whole["output"].startswith("Ein süßer Kater")
    assert answer.headers["x-fal-request-id"]


def test_numbers_keep_their_text(client: httpx.Client) -> None:
    body = b'{"a":1e400,"b":1.10,"c":18446744073709551615}'
    assert body in client.post("https://fal.run/test/echo", content=body).content
    assert b'"price":1.10,' in client.post("https://fal.run/test/numbers").content


def test_runs_with_get(client: httpx.Client) -> None:
    answer = client.get("https://fal.run/test/echo/health", params={"a": "b c"}).json()
    assert (answer["method"], answer["path"], answer["input"]) == ("GET", "/health", {"a": "b c"})


@pytest.mark.parametrize(
    ("endpoint", "content_type", "status"),
    [
        ("test/binary", "application/octet-stream", 200),
        ("test/text", "text/plain; charset=utf-8", 200),
        ("test/html", "text/html; charset=utf-8", 200),
        ("test/nothing", None, 204),
    ],
)
def test_answers_that_are_no_json(client: httpx.Client, endpoint: str, content_type: str | None, status: int) -> None:
    runs = [client.post(f"https://fal.run/{endpoint}", json={"a": 1}) for _ in range(2)]
    result = client.get(submit(client, endpoint, a=1)["response_url"])
    for answer in (*runs, result):
        assert (answer.status_code, answer.headers.get("content-type")) == (status, content_type)
        assert answer.content == runs[0].content


def test_compressed_answers(client: httpx.Client) -> None:
    with client.stream("POST", "https://fal.run/test/gzip", json={}) as answer:
        raw = b"".join(answer.iter_raw())
    assert json.loads(gzip.decompress(raw))["input"] == {}
    plain = client.post("https://fal.run/test/gzip", json={}, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_a_file_that_is_not_ours(client: httpx.Client) -> None:
    url = "https://v3b.fal.media/files/b/00000000/gone.png"
    answer = client.post("https://fal.run/test/image-to-image", json={"image_url": url})
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "file_download_error")
    assert client.get(url).status_code == 404


def test_a_leaky_model(client: httpx.Client, fal: Upstream) -> None:
    before = len(fal.secrets)
    answer = client.post("https://fal.run/test/leaky", json={}, headers={"X-Forwarded-For": "198.51.100.9"})
    assert KEY in answer.text
    assert "198.51.100.9" in answer.text
    assert len(answer.headers.get_list("set-cookie")) == 2
    given = fal.secrets[before:]
    assert len(given) == 3
    assert all(secret in answer.text for secret in given)


# refusals


@pytest.mark.parametrize(
    ("key", "detail"),
    [
        ("", "Cannot access application 'test/echo'. Authentication is required to access this application."),
        ("Key nonsense", "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."),
        ("Key other:key", "No user found for Key ID and Secret"),
    ],
)
def test_keys(fal: Upstream, client: httpx.Client, key: str, detail: str) -> None:
    fal.keys = {KEY}
    assert client.post("https://fal.run/test/echo", json={}).status_code == 200
    client.headers = {"Authorization": key} if key else {}
    for host in ("fal.run", "queue.fal.run"):
        answer = client.post(f"https://{host}/test/echo", json={})
        assert (answer.status_code, answer.json()) == (401, {"detail": detail})


def test_what_there_is_not(client: httpx.Client) -> None:
    path, app = (client.post(f"https://fal.run/test/{name}", json={}) for name in ("image/x", "nobody"))
    assert (path.status_code, path.json()) == (404, {"detail": "Path /x not found"})
    assert path.headers["x-fal-billable-units"] == "0"
    assert (app.status_code, app.json()) == (404, {"detail": 'Application "nobody" not found'})
    assert client.post(f"{QUEUE}/test/nobody", json={}).status_code == 404
    assert client.get(submit(client, "test/image/x")["response_url"]).json() == {"detail": "Path /x not found"}


@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run"])
@pytest.mark.parametrize(("kind", "status"), [("locked", 403), ("busy", 429), ("nginx-502", 502), ("scheduling", 503)])
def test_refusals_at_the_gate(client: httpx.Client, host: str, kind: str, status: int) -> None:
    answer = client.post(f"https://{host}/test/refuse/{kind}", json={})
    assert answer.status_code == status
    assert "x-fal-request-id" not in answer.headers
    assert ("nginx" in answer.text) == kind.startswith("nginx")


@pytest.mark.parametrize(("kind", "status"), [("policy", 422), ("downstream", 500), ("text", 500), ("timeout", 504)])
def test_failures_of_models(client: httpx.Client, kind: str, status: int) -> None:
    run = client.post(f"https://fal.run/test/fail/{kind}", json={})
    job = submit(client, "test/fail", **{"as": kind})
    state = client.get(job["status_url"])
    result = client.get(job["response_url"])
    assert (run.status_code, state.status_code, result.status_code) == (status, 200, status)
    assert state.json()["error"]
    assert "x-fal-request-id" in run.headers


# storage


def test_downloads(fal: Upstream, client: httpx.Client) -> None:
    url = fal.files.keep(b"0123456789", "text/plain", "digits.txt")
    whole = client.get(url)
    assert whole.content == b"0123456789"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["access-control-allow-origin"] == "*"
    head = client.head(url)
    assert (head.headers["content-length"], head.content) == ("10", b"")
    assert client.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    for wanted, content in {"bytes=2-4": b"234", "bytes=7-": b"789", "bytes=-2": b"89", "bytes=8-99": b"89"}.items():
        part = client.get(url, headers={"Range": wanted})
        assert (part.status_code, part.content) == (206, content)
    assert part.headers["content-range"] == "bytes 8-9/10"
    assert client.get(url, headers={"Range": "bytes=10-"}).status_code == 416


def test_a_huge_file(fal: Upstream, client: httpx.Client) -> None:
    url = client.post("https://fal.run/test/video", json={"bytes": 1 << 30}).json()["video"]["url"]
    assert client.head(url).headers["content-length"] == str(1 << 30)
    answer = client.get(url, headers={"Range": f"bytes={(1 << 30) - 100_000}-"})
    assert len(answer.content) == 100_000
    assert len(fal.files.by_url[url].block) < 100_000


@pytest.mark.parametrize("storage_type", ["fal-cdn-v3", "gcs"])
def test_a_place_to_put_a_file(client: httpx.Client, storage_type: str) -> None:
    places = client.post(
        "https://rest.fal.ai/storage/upload/initiate",
        params={"storage_type": storage_type},
        json={"content_type": "text/plain", "file_name": "a b.txt"},
    ).json()
    client.headers = {}
    assert client.put(places["upload_url"].partition("?")[0], content=b"x").status_code == 403
    assert client.get(places["file_url"]).status_code == 404
    assert client.put(places["upload_url"], content=b"a text", headers={"Content-Type": "text/plain"}).is_success
    assert client.get(places["file_url"]).content == b"a text"


def test_parts_that_do_not_fit_are_refused(client: httpx.Client) -> None:
    headers = {"Authorization": "Bearer x", "Content-Type": "text/plain"}
    begun = client.post("https://v3b.fal.media/files/upload/multipart", headers=headers).json()
    url = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    etag = client.put(f"{url}/1", content=b"a", headers=headers).headers["etag"]
    wrong = {"parts": [{"partNumber": 1, "etag": "wrong"}]}
    assert client.post(f"{url}/complete", json=wrong, headers=headers).status_code == 400
    right = {"parts": [{"partNumber": 1, "etag": etag}]}
    assert client.post(f"{url}/complete", json=right, headers=headers).is_success
    assert client.get(begun["access_url"]).content == b"a"


# the rest


def test_tokens(fal: Upstream, client: httpx.Client) -> None:
    wanted = {"allowed_apps": ["echo"], "token_expiration": 120}
    token = client.post("https://rest.fal.ai/tokens/", json=wanted).json()
    assert token.count(".") == 2
    assert token in fal.secrets
    client.headers = {}
    assert client.post("https://fal.run/test/echo", params={"fal_jwt_token": token}, json={}).is_success


def test_prices(client: httpx.Client) -> None:
    answer = client.get("https://api.fal.ai/v1/models/pricing", params={"endpoint_id": "test/image,test/none"})
    assert [price["unit_price"] for price in answer.json()["prices"]] == [0.025]
    assert client.get("https://api.fal.ai/v1/models").json()["models"]


@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run", "rest.fal.ai", "v3b.fal.media", "storage.googleapis.com"])
def test_preflights(client: httpx.Client, host: str) -> None:
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,x-fal-a",
    }
    answer = client.options(f"https://{host}/x", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-headers"] == "authorization,x-fal-a"


def test_answers_for_pages(client: httpx.Client) -> None:
    answer = client.post("https://fal.run/test/echo", json={}, headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "*"


# trouble

BROKEN = {
    "reset": httpx.ReadError,
    "close": httpx.RemoteProtocolError,
    "garbage": httpx.RemoteProtocolError,
    "half-head": httpx.RemoteProtocolError,
    "cut": httpx.RemoteProtocolError,
    "cut-reset": httpx.ReadError,
    "no-end": httpx.RemoteProtocolError,
    "long-length": httpx.RemoteProtocolError,
    "hang": httpx.ReadTimeout,
    "hang-body": httpx.ReadTimeout,
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("queued", [False, True])
def test_trouble_of_an_endpoint(client: httpx.Client, kind: str, *, queued: bool) -> None:
    # Without TLS, whose library takes a reset for an end.
    request = client.build_request("POST", f"http://fal.run/test/trouble/{kind}", json={}, timeout=0.5)
    if queued:
        job = submit(client, f"test/trouble/{kind}")
        assert client.get(job["status_url"]).json()["status"] == "COMPLETED"
        request = client.build_request("GET", job["response_url"].replace("https", "http"), timeout=0.5)
    with pytest.raises(BROKEN[kind]):
        client.send(request)


def test_trouble_that_does_no_harm(client: httpx.Client) -> None:
    assert client.post("https://fal.run/test/trouble/drip", json={"a": "b" * 500}).json()["input"] == {"a": "b" * 500}


def test_too_short_a_length(client: httpx.Client) -> None:
    answer = client.post("https://fal.run/test/trouble/short-length", json={})
    assert len(answer.content) == int(answer.headers["content-length"])
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_trouble_at_will(fal: Upstream, client: httpx.Client) -> None:
    fal.trouble("GET queue.fal.run/*/status", "reset", times=1)
    fal.trouble("* rest.fal.ai/*", Answer(418, (("X", "y"),), b"no"))
    job = submit(client, "test/echo")
    with pytest.raises(httpx.TransportError):
        client.get(job["status_url"])
    assert client.get(job["status_url"]).status_code == 200
    assert client.get(job["response_url"]).status_code == 200
    assert client.post("https://rest.fal.ai/tokens/").headers["x"] == "y"


def test_many_clients_at_once(fal: Upstream) -> None:
    def work(number: int) -> list[Any]:
        with httpx.Client(transport=Direct(fal), headers=AUTH, timeout=20) as client:
            jobs = [submit(client, "test/echo", n=number, m=m, pace={"running": 0.5}) for m in range(5)]
            time.sleep(0.6)
            return [client.get(job["response_url"]).json()["input"] for job in jobs]

    started = time.monotonic()
    with ThreadPoolExecutor(24) as pool:
        for number, inputs in enumerate(pool.map(work, range(24))):
            assert inputs == [{"n": number, "m": m, "pace": {"running": 0.5}} for m in range(5)]
    assert time.monotonic() - started < 10, "they waited for each other"


def test_what_was_asked_is_kept(fal: Upstream, client: httpx.Client) -> None:
    client.post("https://fal.run/test/echo?a=b", json={"prompt": "kept"})
    asked = fal.asked("POST fal.run/test/echo")[-1]
    assert (asked.url, asked.json, asked.headers["authorization"]) == (
        "https://fal.run/test/echo?a=b",
        {"prompt": "kept"},
        f"Key {KEY}",
    )


def test_it_ends_although_somebody_waits() -> None:
    with upstream() as fal, httpx.Client(transport=Direct(fal), headers=AUTH) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.post, "https://fal.run/test/waiting", json={})
        while not fal.seen:
            time.sleep(0.01)
        fal.server.stop()
        with pytest.raises(httpx.TransportError):
            waiting.result(5)


def names_and_values(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = ["prompt", "image_url", "image_urls", "num_images", "sync_mode", "bytes", "content_type", "pace", "seed"]
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, values))


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
INPUTS = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | names_and_values(inner), max_leaves=8)
ENDPOINTS = [
    glob.replace("*", "x")
    for glob, _ in ROUTES
    if not glob.startswith(("test/fail", "test/refuse", "test/tr", "test/broken"))
]


@settings(max_examples=300, deadline=None)
@given(
    endpoint=st.sampled_from(ENDPOINTS),
    value=INPUTS | names_and_values(PLAIN),
    host=st.sampled_from(["fal.run", "queue.fal.run"]),
)
def test_no_input_breaks_it(endpoint: str, value: Any, host: str) -> None:
    fal = Fal(lambda _: False)
    fal.pace = Pace()
    headers = {"authorization": f"Key {KEY}"}
    answer, _ = fal.answer(Asked("POST", host, f"/{endpoint}", "", headers, json.dumps(value).encode()))
    assert answer.status in (200, 204, 422)
    assert answer.content or answer.status == 204
    for job in fal.jobs.values():
        job.pace = Pace()
        assert job.status(logs=True)[0] == "COMPLETED"
        assert job.answer.status in (200, 204, 422)


def test_it_shares_no_code_with_the_package() -> None:
    sources = [path.read_text("utf-8") for path in (CLIENTS / "upstream").glob("*.py")]
    assert sources
    assert not any("import falmock" in source or "from falmock" in source for source in sources)


def test_it_ends_although_somebody_keeps_a_connection() -> None:
    with httpx.Client(headers=AUTH) as client:
        with upstream() as fal:
            client.post(f"http://127.0.0.1:{fal.port}/test/echo", headers={"Host": "fal.run"}, json={})
            started = time.monotonic()
        assert time.monotonic() - started < 5


def test_an_error_of_our_own_is_not_overlooked() -> None:
    with (
        pytest.raises(AssertionError, match="no such failure: nonsense"),
        upstream() as fal,
        httpx.Client(transport=Direct(fal), headers=AUTH) as client,
    ):
        assert client.post("https://fal.run/test/fail/nonsense", json={}).status_code == 500
