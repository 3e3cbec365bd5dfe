"""Invalid inputs, changes of files and headers, through a real mitmdump."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

HIT = {"match": {"model": "fal-ai/flux/dev"}, "response": {"json": {"seed": 1}}}
FILE = {"match": {"model": "fal-ai/file"}, "response": {"json": {"url": {"$file": "cat.png"}}}}


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = write_fixtures(tmp_path_factory.mktemp("wire") / "fixtures", HIT, FILE)
    (folder / "_assets").mkdir()
    (folder / "_assets" / "cat.png").write_bytes(b"0123456789")
    (folder.parent / "secret.txt").write_text("secret")
    with mitmdump(confdir, fixtures=folder) as running:
        yield running


@pytest.fixture
def client(mock: Mitmdump) -> Iterator[httpx.Client]:
    with httpx.Client(proxy=mock.proxy, verify=trust(mock), timeout=60, trust_env=False) as made:
        yield made


def trust(mock: Mitmdump) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(mock.ca))


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 422),
        (b'{"a": NaN}', JSON, 422),
        (b'{"a": 1, "a": 2}', JSON, 422),
        (b'{"a": "\xff"}', JSON, 400),
        (b"[" * 50_000 + b"]" * 50_000, JSON, 422),
        (b'{"a": [' + b"1," * 20_000_000 + b"1]}", JSON, 413),
        (b"no JSON", {"content-type": "text/plain"}, 422),
        (b"not gzip", JSON | {"content-encoding": "gzip"}, 400),
    ],
    ids=["cut off", "NaN", "twice", "not UTF-8", "deep", "40 MB", "text/plain", "not gzip"],
)
def test_a_bad_body_is_told_and_the_proxy_lives_on(
    client: httpx.Client, mock: Mitmdump, body: bytes, headers: dict[str, str], status: int
) -> None:
    for host in ("fal.run", "queue.fal.run"):
        answer = client.post(f"https://{host}/fal-ai/flux/dev", content=body, headers=headers)
        assert answer.status_code == status
        assert answer.json()["detail"]
    assert client.post("https://fal.run/fal-ai/flux/dev", json={}).status_code == 200
    assert "Traceback" not in mock.output


def test_forty_megabytes_in_one_value_are_an_input(client: httpx.Client) -> None:
    body = b'{"image_url": "data:image/png;base64,' + b"A" * 40_000_000 + b'"}'
    assert client.post("https://fal.run/fal-ai/flux/dev", content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/files/../../secret.txt",
        "/files/%2e%2e/%2e%2e/secret.txt",
        "/files/..%5c..%5csecret.txt",
        "/_assets/cat.png",
        "/files/b/00000000/../../../secret.txt",
        "//etc/passwd",
    ],
)
def test_no_path_leads_to_a_file_that_was_not_given_out(mock: Mitmdump, path: str) -> None:
    # By hand: an HTTP client would tidy the path up before it is sent.
    with httpx.Client(proxy=mock.proxy, verify=trust(mock), trust_env=False) as client:
        request = client.build_request("GET", "https://v3b.fal.media/")
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = client.send(request)
    assert answer.status_code == 404
    assert answer.headers["x-falmock-miss"] == "1"


def test_a_file_name_breaks_no_header(client: httpx.Client) -> None:
    name = {"content_type": "text/plain", "file_name": "a\r\nset-cookie: x=y"}
    answer = client.post("https://rest.fal.ai/storage/upload/initiate", json=name)
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers


def test_an_asset_is_served_with_ranges_head_and_tags(client: httpx.Client) -> None:
    url = client.post("https://fal.run/fal-ai/file", json={}).json()["url"]
    whole = client.get(url)
    assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "image/png")
    part = client.get(url, headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    head = client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")
    assert client.get(url, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    assert client.get(url, headers={"range": "bytes=99-"}).status_code == 416


def test_an_asset_that_was_changed_behind_our_back_is_told(confdir: Path, tmp_path: Path) -> None:
    folder = write_fixtures(tmp_path / "fixtures", FILE)
    (folder / "_assets").mkdir()
    asset = folder / "_assets" / "cat.png"
    asset.write_bytes(b"0123456789")
    with mitmdump(confdir, fixtures=folder) as mock, httpx.Client(proxy=mock.proxy, verify=trust(mock)) as client:
        url = client.post("https://fal.run/fal-ai/file", json={}).json()["url"]
        asset.unlink()
        answer = client.get(url)
        assert answer.status_code == 500
        assert "cat.png" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "phrase"),
    [("fal-ai/flux/dev", "OK"), ("fal-ai/none", "Not Found"), ("fal-ai/flux/dev?bad", "Unprocessable Entity")],
)
def test_reason_phrases(client: httpx.Client, path: str, phrase: str) -> None:
    body = b"{" if path.endswith("bad") else b"{}"
    assert client.post(f"https://fal.run/{path}", content=body, headers=JSON).reason_phrase == phrase


def test_every_distinct_miss_is_logged_once(client: httpx.Client, mock: Mitmdump) -> None:
    for prompt in ("one", "two", "one", "two", "one"):
        client.post("https://fal.run/fal-ai/none", json={"prompt": prompt})
    assert mock.output.count('Asked: POST {"prompt": "one"}') == 1
    assert mock.output.count('Asked: POST {"prompt": "two"}') == 1


def test_no_key_is_ever_logged(client: httpx.Client, mock: Mitmdump) -> None:
    signed = {"image_url": "https://bucket.test/a.png?X-Amz-Signature=5ec3e7"}
    answer = client.post("https://fal.run/fal-ai/none", json=signed, headers={"authorization": "Key kid:ksecret"})
    mock.wait_for("https://bucket.test/a.png?[hidden]")
    assert "5ec3e7" not in answer.text + mock.output
    assert "ksecret" not in answer.text + mock.output


def test_changes_on_disk_are_picked_up_and_broken_ones_are_not(confdir: Path, tmp_path: Path) -> None:
    folder = write_fixtures(tmp_path / "fixtures", HIT)
    with mitmdump(confdir, fixtures=folder) as mock, httpx.Client(proxy=mock.proxy, verify=trust(mock)) as client:

        def ask() -> object:
            return client.post("https://fal.run/fal-ai/flux/dev", json={}).json()

        assert ask() == {"seed": 1}
        write_fixtures(folder, {**HIT, "response": {"json": {"seed": 2}}})
        mock.wait_for("fixtures changed on disk: 1 fixture in 1 file")
        assert ask() == {"seed": 2}
        (folder / "fixtures.json").write_text('{"fixtures": [{"match": {}, "response": {"jsn": 1}}]}')
        mock.wait_for("the old ones stay in use")
        mock.wait_for("did you mean 'json'")  # in another line of the same message
        assert ask() == {"seed": 2}
        write_fixtures(folder / "deep", {**HIT, "match": {**HIT["match"], "input": {}}, "response": {"json": 3}})
        write_fixtures(folder, HIT)
        mock.wait_for("2 fixtures in 2 files")
        assert ask() == 3


def test_a_paced_run_takes_its_time_and_holds_nobody_up(confdir: Path, tmp_path: Path) -> None:
    folder = write_fixtures(tmp_path / "fixtures", HIT)
    with (
        mitmdump(confdir, "--set", "fal_pace=1s", fixtures=folder) as mock,
        httpx.Client(proxy=mock.proxy, verify=trust(mock)) as client,
    ):
        client.post("https://queue.fal.run/fal-ai/flux/dev", json={})
        started = time.monotonic()
        assert client.post("https://fal.run/fal-ai/flux/dev", json={}).status_code == 200
        assert time.monotonic() - started >= 1
