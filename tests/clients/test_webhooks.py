"""Webhooks: real clients request them through a real mitmdump, and a receiver on loopback accepts or refuses them."""

from __future__ import annotations

import json
import re
import socket
import ssl
import stat
import time
from collections.abc import Callable
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients import webhook_verifier
from clients.elsewhere import Elsewhere
from clients.elsewhere import serving
from clients.names import Names
from clients.receiver import SILENCE
from clients.receiver import Delivered
from clients.receiver import Receiver
from clients.receiver import receiver
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from clients.upstream import certificates

App = Callable[..., Any]
KEYS = "/.well-known/jwks.json"
KEY_FILE = "falmock-webhook-key.pem"
SEED = 15738016505585340234
CAT = {"prompt": "a cat é"}
OUTPUT = '{"seed": 15738016505585340234, "scale": 1.10, "prompt": "é"}'
DETAIL = {"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"}
NOT_JSON = (
    "Response payload is not JSON serializable. Either return a JSON serializable object or use the queue endpoint to "
    "retrieve the response."
)
OVER = {"started": 0, "completed": 0}
FIXTURES = [
    {"match": {"model": "acme/cat"}, "response": {"json": json.loads(OUTPUT)}, "queue": OVER},
    {
        "match": {"model": "acme/refuses"},
        "response": {"error": {"type": DETAIL["type"], "message": DETAIL["msg"], "loc": DETAIL["loc"]}},
        "queue": OVER,
    },
    {"match": {"model": "acme/text"}, "response": {"text": "not JSON"}, "queue": OVER},
    {"match": {"model": "acme/waits"}, "response": {"json": {}}, "queue": {"started": 3600, "completed": 3600}},
    {"match": {"model": "acme/slow"}, "response": {"json": {"slow": True}}, "queue": {"started": 0, "completed": 100}},
]
PROGRAMS = {
    "python sync": "python_sync.py",
    "python async": "python_async.py",
    "js": "client.mjs",
    "old js": "serverless_client.mjs",
}


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixtures(tmp_path_factory.mktemp("webhooks") / "fixtures", *FIXTURES)


@pytest.fixture(scope="module")
def app_server() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture(scope="module")
def mock(confdir: Path, fixtures: Path) -> Iterator[Mitmdump]:
    """A hundred times as fast as fal: 150 ms to the second try, a second for an answer."""
    with mitmdump(confdir, "--set", "fal_pace=x100", fixtures=fixtures) as mock:
        yield mock
        assert "Traceback" not in mock.output


@pytest.fixture(scope="module", params=PROGRAMS.values(), ids=PROGRAMS)
def app(request: pytest.FixtureRequest, mock: Mitmdump) -> Iterator[App]:
    with running.app(CLIENTS / "programs" / request.param, mock) as app:
        yield app


@pytest.fixture(scope="module")
def client(mock: Mitmdump) -> Iterator[httpx.Client]:
    with through(mock) as client:
        yield client


def through(mock: Mitmdump) -> httpx.Client:
    return httpx.Client(proxy=mock.proxy, verify=ssl.create_default_context(cafile=str(mock.ca)), trust_env=False)


def order(client: httpx.Client, endpoint: str, url: str) -> str:
    answer = client.post(f"https://queue.fal.run/{endpoint}", params={"fal_webhook": url}, json=CAT)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["request_id"])


def check(mock: Mitmdump, post: Delivered, host: str = "rest.fal.ai") -> dict[str, Any]:
    """What a webhook tells, once an app that trusts nobody has verified it by the keys it fetched."""
    with through(mock) as client:
        keys = client.get(f"https://{host}{KEYS}")
    assert keys.status_code == 200
    webhook_verifier.verify(post.headers, post.body, keys.json(), time.time())
    assert post.headers["content-type"] == "application/json"
    body: dict[str, Any] = json.loads(post.body)
    assert post.headers["x-fal-webhook-request-id"] == body["request_id"] == body["gateway_request_id"]
    return body


def journal(mock: Mitmdump, request_id: str) -> dict[str, Any]:
    """The entry of a job's webhook in the journal, once it is there."""
    query = {"call": "webhook", "request_id": request_id}
    while not (found := httpx.get(f"{mock.proxy}/__falmock/journal", params=query, trust_env=False).json()["entries"]):
        time.sleep(0.02)
    entry: dict[str, Any] = found[0]
    return entry


def told(request_id: str, **more: Any) -> dict[str, Any]:
    """The body of a webhook: always all its keys."""
    always = {"error": None, "payload": None, "payload_error": None, "status": "OK"}
    return always | {"gateway_request_id": request_id, "request_id": request_id} | more


# what the clients' jobs bring


def test_a_job_that_goes_well(app: App, mock: Mitmdump, app_server: Receiver) -> None:
    hook = app_server.hook(query="?user=7&ref=%C3%A9")
    request_id = app("order", app="acme/cat", arguments=CAT, webhook=hook.url)
    (post,) = hook.wait()
    assert post.path.endswith("?user=7&ref=%C3%A9")
    assert check(mock, post) == told(request_id, payload=json.loads(OUTPUT))
    assert str(SEED).encode() in post.body
    assert "é".encode() in post.body


def test_a_job_that_fails(app: App, mock: Mitmdump, app_server: Receiver) -> None:
    hook = app_server.hook()
    request_id = app("order", app="acme/refuses", arguments=CAT, webhook=hook.url)
    body = check(mock, hook.wait()[0])
    assert DETAIL.items() <= body["payload"]["detail"][0].items()
    assert body == told(request_id, status="ERROR", error="Invalid status code: 422", payload=body["payload"])


def test_a_job_whose_result_is_not_json(app: App, mock: Mitmdump, app_server: Receiver) -> None:
    hook = app_server.hook()
    request_id = app("order", app="acme/text", arguments=CAT, webhook=hook.url)
    assert check(mock, hook.wait()[0]) == told(request_id, payload_error=NOT_JSON)


def test_a_job_that_is_cancelled(app: App, mock: Mitmdump, app_server: Receiver) -> None:
    hook = app_server.hook()
    request_id = app("order", app="acme/waits", arguments=CAT, webhook=hook.url, stop=True)
    body = check(mock, hook.wait()[0], "rest.alpha.fal.ai")
    payload = {"detail": "Request was cancelled by the client", "error_type": "client_cancelled"}
    assert body == told(request_id, status="ERROR", error="Invalid status code: 499", payload=payload)


def test_two_jobs_bring_two(app: App, mock: Mitmdump, app_server: Receiver) -> None:
    hooks = [app_server.hook(), app_server.hook()]
    ids = [
        app("order", app=endpoint, arguments=CAT, webhook=hook.url)
        for endpoint, hook in zip(["acme/slow", "acme/cat"], hooks, strict=True)
    ]
    slow, quick = [check(mock, hook.wait()[0]) for hook in hooks]
    assert (slow["request_id"], slow["payload"]) == (ids[0], {"slow": True})
    assert (quick["request_id"], quick["payload"]["seed"]) == (ids[1], SEED)
    assert [len(hook.posts) for hook in hooks] == [1, 1]


# deliveries


def test_a_job_that_takes_its_time_is_told_of_at_its_end(
    mock: Mitmdump, client: httpx.Client, app_server: Receiver
) -> None:
    hook = app_server.hook()
    begun = time.monotonic()
    order(client, "acme/slow", hook.url)
    (post,) = hook.wait()
    assert post.moment - begun >= 1
    assert check(mock, post)["payload"] == {"slow": True}


def test_what_is_refused_comes_again_until_it_is_taken(
    mock: Mitmdump, client: httpx.Client, app_server: Receiver
) -> None:
    hook = app_server.hook(500, 404, 204, query="?token=onlyforthehook")
    request_id = order(client, "acme/cat", hook.url)
    posts = hook.wait(3)
    for post in posts:
        assert check(mock, post)["request_id"] == request_id
    assert len({post.body for post in posts}) == 1
    first, second = [later.moment - earlier.moment for earlier, later in pairwise(posts)]
    assert first >= 0.15
    assert second >= 0.3
    mock.wait_for(f"webhook of job {request_id}: attempt 1 of 31: status 500; again in 0.15 s")
    mock.wait_for(f"webhook of job {request_id}: delivered at attempt 3 (status 204)")
    assert len(hook.posts) == 3
    assert "onlyforthehook" not in mock.output


def test_who_does_not_answer_is_hung_up_on_and_asked_again(
    mock: Mitmdump, client: httpx.Client, app_server: Receiver
) -> None:
    hook = app_server.hook(SILENCE, 200)
    begun = time.monotonic()
    request_id = order(client, "acme/cat", hook.url)
    _, second = hook.wait(2)
    assert second.moment - begun >= 3.15
    mock.wait_for(f"webhook of job {request_id}: attempt 1 of 31: no answer within 3 s; again in 0.15 s")
    mock.wait_for(f"webhook of job {request_id}: delivered at attempt 2 (status 200)")
    assert hook.hung_up.wait(10)


def test_redirects_are_not_followed(mock: Mitmdump, client: httpx.Client, app_server: Receiver) -> None:
    hook = app_server.hook(302, 200)
    request_id = order(client, "acme/cat", hook.url)
    mock.wait_for(f"webhook of job {request_id}: given up: status 302, and fal does not follow redirects")
    later = app_server.hook()
    order(client, "acme/slow", later.url)
    later.wait()  # a second later nothing more has come
    assert len(hook.posts) == 1
    assert app_server.strange == []


def test_a_receiver_that_is_down_is_given_up(confdir: Path, fixtures: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with mitmdump(confdir, "--set", "fal_pace=x10000", fixtures=fixtures) as mock, through(mock) as client:
            request_id = order(client, "acme/cat", url)
            output = mock.wait_for(f"webhook of job {request_id}: given up after 31 attempts: ", 60)
            assert output.count(f"webhook of job {request_id}: ") == 2
            assert "Traceback" not in output


def test_webhooks_over_tls(confdir: Path, fixtures: Path, tmp_path: Path, mock: Mitmdump, client: httpx.Client) -> None:
    ca, server = certificates.write(tmp_path, ["localhost"])
    trusting = ("--set", f"ssl_verify_upstream_trusted_ca={ca}")
    with (
        receiver(server, "localhost") as app_server,
        mitmdump(confdir, *trusting, fixtures=fixtures) as trusted,
        through(trusted) as trusted_client,
    ):
        hook = app_server.hook()
        order(trusted_client, "acme/cat", hook.url)
        assert check(trusted, hook.wait()[0])["status"] == "OK"
        doubted = app_server.hook()
        request_id = order(client, "acme/cat", doubted.url)
        mock.wait_for(f"webhook of job {request_id}: attempt 1 of 31: Certificate verify failed: ")
        assert "(to trust it: --set ssl_verify_upstream_trusted_ca=FILE); again in" in mock.output
        assert doubted.posts == []


def test_a_receiver_that_nobody_has_to_trust(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    _, server = certificates.write(tmp_path, ["localhost"])
    with (
        receiver(server, "localhost") as app_server,
        mitmdump(confdir, "--set", "ssl_insecure=true", fixtures=fixtures) as mock,
        through(mock) as client,
    ):
        hook = app_server.hook()
        order(client, "acme/cat", hook.url)
        assert check(mock, hook.wait()[0])["status"] == "OK"


def test_webhooks_leave_through_an_upstream_proxy(confdir: Path, fixtures: Path) -> None:
    with serving(Elsewhere()) as upstream:
        mode = f"upstream:{upstream.url}"
        listed = ("--set", "fal_webhook_hosts=my.app.test")
        with mitmdump(confdir, "--mode", mode, *listed, fixtures=fixtures) as mock, through(mock) as client:
            request_id = order(client, "acme/cat", "http://my.app.test/hook?x=1")
            mock.wait_for(f"webhook of job {request_id}: delivered (status 200)")
    assert [line for line in upstream.seen if line.startswith("POST")] == ["POST http://my.app.test/hook?x=1"]


def test_behind_an_upstream_proxy_names_must_be_listed(confdir: Path, fixtures: Path) -> None:
    with serving(Elsewhere()) as upstream:
        mode = ("--mode", f"upstream:{upstream.url}")
        with mitmdump(confdir, *mode, fixtures=fixtures) as mock, through(mock) as client:
            request_id = order(client, "acme/cat", "http://localhost:9/hook")
            mock.wait_for(
                f"webhook of job {request_id}: refused: localhost would be resolved by the upstream proxy. "
                "To post there: --set fal_webhook_hosts=localhost ("
            )
    assert upstream.seen == []


# where webhooks may go


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names(tmp_path)


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("public.test", "public.test"),
        ("metadata.test", "metadata.test"),
        ("[64:ff9b::a00:1]", "64:ff9b::a00:1"),
        ("203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]", "203.0.113.9"),
        ("0xcb007109", "203.0.113.9"),
    ],
)
@pytest.mark.parametrize("mode", ["replay", "auto"])
def test_nothing_is_posted_to_an_address_elsewhere(
    confdir: Path, fixtures: Path, names: Names, host: str, told: str, mode: str
) -> None:
    names.say("public.test", ["203.0.113.9", "2001:db8::9"])
    names.say("metadata.test", ["169.254.169.254"])
    with mitmdump(confdir, *names.options, "--set", f"fal_mode={mode}", fixtures=fixtures) as mock:
        assert "webhooks go to loopback and private addresses only" in mock.output
        with through(mock) as client:
            request_id = order(client, "acme/cat", f"http://{host}:9/hook")
            mock.wait_for(f"webhook of job {request_id}: refused: {told} is ")
            other = order(client, "acme/cat", f"http://{host}:9/hook")
            entry = journal(mock, other)
        assert entry["status"] is None
        assert "not a loopback or private address. To post there: --set fal_webhook_hosts=" in entry["why"]
        assert mock.output.count("refused: ") == 1
        assert "Traceback" not in mock.output
    assert names.connected == []


def test_the_address_that_was_checked_is_the_one_that_gets_the_webhook(
    confdir: Path, fixtures: Path, names: Names, app_server: Receiver
) -> None:
    hook = app_server.hook()
    names.say("rebinding.test", ["127.0.0.1"], ["203.0.113.9"])
    with mitmdump(confdir, *names.options, fixtures=fixtures) as mock, through(mock) as client:
        order(client, "acme/cat", hook.url.replace("127.0.0.1", "rebinding.test"))
        (post,) = hook.wait()
        assert check(mock, post)["status"] == "OK"
    assert post.headers["host"] == f"rebinding.test:{app_server.server_port}"
    assert names.connected == [["127.0.0.1", app_server.server_port]]
    assert names.asked == ["rebinding.test"]


def test_of_several_addresses_the_private_ones_are_tried_in_turn(
    confdir: Path, fixtures: Path, names: Names, app_server: Receiver
) -> None:
    hook = app_server.hook()
    names.say("mixed.test", ["203.0.113.9", "127.9.9.9", "127.0.0.1"])
    with mitmdump(confdir, *names.options, fixtures=fixtures) as mock, through(mock) as client:
        order(client, "acme/cat", hook.url.replace("127.0.0.1", "mixed.test"))
        hook.wait()
    port = app_server.server_port
    assert names.connected == [["127.9.9.9", port], ["127.0.0.1", port]]


def test_tls_verifies_the_name_and_not_the_address(confdir: Path, fixtures: Path, tmp_path: Path, names: Names) -> None:
    ca, server = certificates.write(tmp_path, ["good.test"])
    names.say("good.test", ["127.0.0.1"])
    names.say("bad.test", ["127.0.0.1"])
    trusting = ("--set", f"ssl_verify_upstream_trusted_ca={ca}")
    with (
        receiver(server, "good.test") as app_server,
        mitmdump(confdir, *trusting, *names.options, fixtures=fixtures) as mock,
        through(mock) as client,
    ):
        hook, other = app_server.hook(), app_server.hook()
        order(client, "acme/cat", hook.url)
        assert check(mock, hook.wait()[0])["status"] == "OK"
        request_id = order(client, "acme/cat", other.url.replace("good.test", "bad.test"))
        mock.wait_for(f"webhook of job {request_id}: attempt 1 of 31: Certificate verify failed: ")
        assert other.posts == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]"])
def test_any_spelling_of_this_machine_gets_webhooks(client: httpx.Client, app_server: Receiver, host: str) -> None:
    hook = app_server.hook()
    order(client, "acme/cat", hook.url.replace("127.0.0.1", host))
    hook.wait()


def test_a_listed_host_gets_webhooks_wherever_it_is(
    confdir: Path, fixtures: Path, names: Names, app_server: Receiver
) -> None:
    names.say("far.test", ["203.0.113.9"])
    listed = ("--set", "fal_webhook_hosts=*.test")
    with mitmdump(confdir, *names.options, *listed, fixtures=fixtures) as mock, through(mock) as client:
        assert "nothing leaves except webhooks to *.test: " in mock.output
        order(client, "acme/cat", "http://far.test:9/hook")
        mock.wait_for("attempt 1 of 31: ")
        request_id = order(client, "acme/cat", app_server.hook().url)
        mock.wait_for(f"job {request_id}: fal_webhook is not delivered: 127.0.0.1 is not among fal_webhook_hosts")
    assert set(map(tuple, names.connected)) == {("203.0.113.9", 9)}


# where nothing is delivered


def test_a_url_that_is_none_is_refused(client: httpx.Client) -> None:
    answer = client.post("https://queue.fal.run/acme/cat", params={"fal_webhook": "my.app/hook"}, json=CAT)
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "fal_webhook: expected a URL that starts with http:// or https://, found no scheme"
    )


def test_nothing_is_posted_to_fal(mock: Mitmdump, client: httpx.Client) -> None:
    request_id = order(client, "acme/cat", "https://queue.fal.run/acme/hook")
    mock.wait_for(f"job {request_id}: fal_webhook is not delivered: queue.fal.run is a host of fal's")


def test_nothing_is_posted_to_hosts_that_are_not_allowed(confdir: Path, fixtures: Path, app_server: Receiver) -> None:
    allowed, other = app_server.hook(), app_server.hook()
    only = ("--set", "fal_webhook_hosts=127.0.0.?")
    with mitmdump(confdir, *only, fixtures=fixtures) as mock, through(mock) as client:
        request_id = order(client, "acme/cat", other.url.replace("127.0.0.1", "localhost"))
        mock.wait_for(f"job {request_id}: fal_webhook is not delivered: localhost is not among fal_webhook_hosts")
        order(client, "acme/cat", allowed.url)
        allowed.wait()
    assert other.posts == []


def test_what_is_under_way_when_mitmdump_ends_is_told(confdir: Path, fixtures: Path, app_server: Receiver) -> None:
    hook = app_server.hook(SILENCE)
    with mitmdump(confdir, fixtures=fixtures) as mock:
        with through(mock) as client:
            job = order(client, "acme/cat", hook.url)
            hook.wait()
        running.stop(mock)
        mock.wait_for(f"webhooks that were not delivered: job {job} to 127.0.0.1 (attempt 1 of 31 broken off)")
    assert hook.hung_up.wait(10)
    assert mock.process.returncode == 0
    assert "Traceback" not in mock.output


# what people see, and what stays


def test_attempts_are_flows_with_their_outcome(
    confdir: Path, fixtures: Path, tmp_path: Path, app_server: Receiver
) -> None:
    hook, file = app_server.hook(503, 200), tmp_path / "flows.jsonl"
    observed = ("-s", str(CLIENTS / "observer.py"), "--set", f"observer_file={file}")
    with mitmdump(confdir, *observed, fixtures=fixtures) as mock, through(mock) as client:
        request_id = order(client, "acme/cat", hook.url)
        mock.wait_for(f"webhook of job {request_id}: delivered at attempt 2")
    _, submit, *attempts = [json.loads(line) for line in file.read_text().splitlines()]
    assert submit["comment"].endswith("; fal_webhook goes to 127.0.0.1)")
    told = f"falmock: webhook of job {request_id}: "
    for attempt, status, words in zip(
        attempts,
        [503, 200],
        ["attempt 1 of 31: status 503; again in 0.015 s", "delivered at attempt 2 (status 200)"],
        strict=True,
    ):
        assert attempt["metadata"]["falmock.webhook"] == request_id
        assert (attempt["url"], attempt["status"], attempt["comment"]) == (hook.url, status, told + words)


def test_in_auto_it_is_the_same_and_nothing_is_recorded(confdir: Path, tmp_path: Path, app_server: Receiver) -> None:
    folder = write_fixtures(tmp_path / "fixtures", *FIXTURES)
    before = sorted(folder.rglob("*"))
    hook = app_server.hook()
    with mitmdump(confdir, "--set", "fal_mode=auto", fixtures=folder) as mock, through(mock) as client:
        order(client, "acme/cat", hook.url)
        assert check(mock, hook.wait()[0])["status"] == "OK"
        mock.wait_for("delivered (status 200)")
    assert sorted(folder.rglob("*")) == before


def test_the_key_is_made_once_and_kept(confdir: Path, fixtures: Path, app_server: Receiver) -> None:
    hook = app_server.hook()
    keys = []
    for _ in range(2):
        with mitmdump(confdir, fixtures=fixtures) as mock, through(mock) as client:
            order(client, "acme/cat", hook.url)
            hook.wait(len(keys) + 1)
            keys.append(client.get(f"https://rest.fal.ai{KEYS}").json())
            head = client.head(f"https://rest.fal.ai{KEYS}")
            assert head.status_code == 200
            assert "max-age" in head.headers["cache-control"]
            assert check(mock, hook.posts[0])["status"] == "OK"
    assert keys[0] == keys[1]
    assert [key["alg"] for key in keys[0]["keys"]] == ["EdDSA"]
    assert stat.S_IMODE((confdir / KEY_FILE).stat().st_mode) == 0o600


def test_a_key_file_that_holds_something_else_is_named(fixtures: Path, confdir: Path, tmp_path: Path) -> None:
    for file in confdir.glob("mitmproxy-*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / KEY_FILE).write_text("not a key")
    with mitmdump(tmp_path, fixtures=fixtures) as mock, through(mock) as client:
        answer = client.post("https://queue.fal.run/acme/cat", params={"fal_webhook": "http://127.0.0.1:1/"}, json=CAT)
        assert answer.status_code == 500
        assert f"{tmp_path / KEY_FILE}: expected an ED25519 private key" in answer.json()["detail"]
        assert client.get(f"https://rest.fal.ai{KEYS}").status_code == 500
        assert client.post("https://queue.fal.run/acme/cat", json=CAT).status_code == 200


# the verifier itself


def test_the_verifier_notices_what_is_not_genuine(client: httpx.Client, app_server: Receiver) -> None:
    hook = app_server.hook()
    order(client, "acme/cat", hook.url)
    (post,) = hook.wait()
    keys = client.get(f"https://rest.fal.ai{KEYS}").json()
    webhook_verifier.verify(post.headers, post.body, keys, post.at)
    other = re.sub(r"^.", lambda found: "1" if found[0] == "0" else "0", post.headers["x-fal-webhook-signature"])
    for headers, body, now, complaint in [
        (post.headers, post.body + b" ", post.at, "no key verifies"),
        (post.headers, post.body, post.at + 310, "is not within 300 s"),
        (post.headers | {"x-fal-webhook-signature": other}, post.body, post.at, "no key verifies"),
        (post.headers | {"x-fal-webhook-user-id": "me"}, post.body, post.at, "no key verifies"),
        ({}, post.body, post.at, "no header"),
    ]:
        with pytest.raises(webhook_verifier.NotGenuine, match=complaint):
            webhook_verifier.verify(headers, body, keys, now)
