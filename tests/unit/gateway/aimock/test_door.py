"""aimock's routes where they answer as fal does: which calls they stand for, and that it is fal that one talks to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.fixtures.model import Worded
from falmock.gateway.aimock.steering import OneError
from falmock.gateway.door import FALS_ANSWER
from unit.gateway.aimocks import HERE
from unit.gateway.aimocks import QUEUE
from unit.gateway.aimocks import REST
from unit.gateway.aimocks import RUN
from unit.gateway.aimocks import Mock

FLUX = "fal-ai/flux/dev"
CAT = {"match": {"model": FLUX, "userMessage": "cat"}, "response": {"json": {"images": []}, "billableUnits": 2}}
TURNS = [
    {"match": {"model": "test/turns", "sequenceIndex": 0}, "response": {"json": {"turn": 0}}},
    {"match": {"model": "test/turns", "sequenceIndex": 1}, "response": {"json": {"turn": 1}}},
]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_job_from_submit_to_result() -> None:
    mock = Mock(CAT)
    submitted = mock.ask("POST", f"/fal/{FLUX}", {"prompt": "a cat"}, QUEUE)
    job = submitted.json["request_id"]
    url = f"https://queue.fal.run/fal-ai/flux/requests/{job}"
    assert (submitted.status, submitted.json["status"], submitted.json["response_url"]) == (200, "IN_QUEUE", url)
    assert mock.ask("GET", f"/fal/{FLUX}/requests/{job}/status", host=QUEUE).json["status"] == "COMPLETED"
    result = mock.ask("GET", f"/fal/{FLUX}/requests/{job}", host=QUEUE)
    assert (result.told, result.headers["x-fal-billable-units"]) == ((200, {"images": []}), "2")
    assert mock.ask("PUT", f"/fal/{FLUX}/requests/{job}/cancel", host=QUEUE).told == (
        400,
        {"status": "ALREADY_COMPLETED"},
    )


def test_a_sync_run() -> None:
    run = Mock(CAT).ask("POST", f"/fal/{FLUX}", {"prompt": "a cat"}, RUN)
    assert run.told == (200, {"images": []})
    assert run.headers["x-fal-request-id"]


@pytest.mark.parametrize(
    "host", ["queue.fal.run", "QUEUE.FAL.RUN", "queue.fal.run:443", "Queue.Fal.Run.:8080", " queue.fal.run "]
)
def test_the_host_in_any_spelling(host: str) -> None:
    assert "status" in Mock(CAT).ask("POST", f"/fal/{FLUX}", {"prompt": "a cat"}, host).json


@pytest.mark.parametrize(
    "path", [f"/fal//{FLUX}", f"/fal/{FLUX}/", f"/fal/@queue.fal.run/{FLUX}", f"/fal/@fal.run/{FLUX}"]
)
def test_the_path_in_any_spelling(path: str) -> None:
    host = "" if "@" in path else RUN
    assert Mock(CAT).ask("POST", path, {"prompt": "a cat"}, host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "fal.run.example.com",
        "user@fal.run",
        "fal.run%2e",
        "127.0.0.1",
        "fal.run:x",
        "evilfal.run",
        "[::1]",
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_nobody_is_led_to_a_host_that_is_not_fals(host: str, mode: Mode) -> None:
    mock = Mock(CAT, mode=mode)
    for path in (f"/fal/{FLUX}", f"/fal/@{host}/{FLUX}"):
        sent = mock.ask("POST", path, {"prompt": "a cat"}, "" if "@" in path else host)
        assert (sent.status, mock.forwarded) == (404, [])
        assert "x-fal-target-host" in sent.json["detail"]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("host", [".fal.run", "a..fal.run", f"{'a' * 64}.fal.run", "a." * 124 + "fal.run"])
def test_a_name_below_fals_that_no_resolver_takes_is_refused(host: str, mode: Mode) -> None:
    mock = Mock(CAT, mode=mode)
    for path in (f"/fal/{FLUX}", f"/fal/@{host}/{FLUX}"):
        sent = mock.ask("POST", path, {"prompt": "a cat"}, "" if "@" in path else host)
        assert (sent.status, mock.forwarded) == (400, [])
        assert "is not a valid host name" in sent.json["detail"]


def test_the_older_routes() -> None:
    mock = Mock(CAT)
    job = mock.ask("POST", f"/fal/queue/submit/{FLUX}", {"prompt": "a cat"}).json["request_id"]
    for method in ("GET", "POST", "PUT"):
        assert mock.ask(method, f"/fal/queue/requests/{job}/status").json["status"] == "COMPLETED"
        assert mock.ask(method, f"/fal/queue/requests/{job}").json == {"images": []}
        assert mock.ask(method, f"/fal/queue/requests/{job}/response").json == {"images": []}
        assert mock.ask(method, f"/fal/queue/requests/{job}/cancel").json == {"status": "ALREADY_COMPLETED"}
    assert mock.ask("POST", f"/fal/run/{FLUX}", {"prompt": "a cat"}).json == {"images": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/fal"),
        ("GET", "/fal/"),
        ("POST", f"/fal/{FLUX}"),
        ("GET", f"/fal/run/{FLUX}"),
        ("GET", f"/fal/queue/submit/{FLUX}"),
        ("GET", "/fal/queue/requests/x/y/z"),
        ("DELETE", "/fal/queue/requests/x"),
        ("POST", "/fal/@"),
        ("POST", "/fal/@/x"),
    ],
)
def test_what_stands_for_no_call(method: str, path: str) -> None:
    assert Mock(CAT).ask(method, path, {"prompt": "a cat"} if method == "POST" else None).status == 404


def test_other_paths_are_not_its_own() -> None:
    mock = Mock()
    with pytest.raises(AssertionError):
        mock.ask("GET", "/falx/run/a/b")


@given(
    st.lists(
        st.tuples(st.sampled_from(["header", "older", "path", "proxy"]), st.sampled_from(["status", "result"])),
        max_size=8,
    )
)
def test_one_job_by_whatever_door_it_is_asked_for(polls: list[tuple[str, str]]) -> None:
    """The same polls in the same order get the same answers, by any door."""
    slow = {"match": {"model": "test/slow"}, "response": {"json": {"done": True}}}
    one, other = Mock(slow, pace="polls:2,4"), Mock(slow, pace="polls:2,4")
    job = one.submit("test/slow")
    assert other.proxied("POST", "https://queue.fal.run/test/slow", {}).json["request_id"] == job
    for door, what in polls:
        end = "/status" if what == "status" else ""
        proxied = other.proxied("GET", f"https://queue.fal.run/test/slow/requests/{job}{end}")
        if door == "proxy":
            sent = one.proxied("GET", f"https://queue.fal.run/test/slow/requests/{job}{end}")
        elif door == "older":
            sent = one.ask("GET", f"/fal/queue/requests/{job}{end}")
        elif door == "path":
            sent = one.ask("GET", f"/fal/@queue.fal.run/test/slow/requests/{job}{end}")
        else:
            sent = one.ask("GET", f"/fal/test/slow/requests/{job}{end}", host=QUEUE)
        assert sent.told == proxied.told


# scopes and context


def test_scopes_by_header_and_by_query() -> None:
    mock = Mock(*TURNS)

    def turn(path: str = "/fal/test/turns", **headers: str) -> int:
        return int(mock.ask("POST", path, {}, RUN, **headers).json["turn"])

    assert [turn(x_test_id="a"), turn(x_test_id="b"), turn(), turn(x_test_id="a")] == [0, 0, 0, 1]
    assert [turn("/fal/test/turns?testId=c"), turn("/fal/test/turns?testId=a"), turn("/fal/test/turns?testId=c")] == [
        0,
        1,
        1,
    ]
    assert turn("/fal/test/turns?testId=a", x_test_id="d") == 0, "the header goes before the query"


def test_a_job_is_seen_in_its_scope_only() -> None:
    mock = Mock(CAT)
    job = mock.submit(FLUX, {"prompt": "a cat"}, x_test_id="a")
    seen = [
        mock.ask("GET", f"/fal/{FLUX}/requests/{job}/status{at}", host=QUEUE).status
        for at in ("", "?testId=a", "?testId=b")
    ]
    assert seen == [404, 200, 404]
    assert mock.proxied("GET", f"https://queue.fal.run/x/y/requests/{job}", scope="a").status == 200


def test_the_test_id_is_no_part_of_an_input() -> None:
    mock = Mock({"match": {"model": "a/b", "input": {"seed": "1"}, "exact": True}, "response": {"json": {}}})
    assert mock.ask("GET", "/fal/a/b?seed=1&testId=x", host=RUN).status == 200


def test_a_context() -> None:
    mock = Mock({"match": {"model": "a/b", "context": "there"}, "response": {"json": {}}})
    told = [mock.ask("POST", "/fal/a/b", {}, RUN, **headers).status for headers in ({}, {"x_aimock_context": "there"})]
    assert told == [404, 200]


# what goes on to fal


def test_a_call_that_goes_on_to_fal_is_as_its_client_meant_it() -> None:
    mock = Mock(CAT, mode=Mode.AUTO)
    mock.ask(
        "POST", "/fal/a/b?logs=1&testId=x", {"p": 1}, QUEUE, authorization="Key a:b", x_aimock_strict="0", x_test_id="x"
    )
    (call,) = mock.forwarded
    assert (call.method, call.host, call.path, call.query, call.body) == ("POST", QUEUE, "/a/b", "logs=1", b'{"p": 1}')
    assert call.headers.keys() == {"host", "authorization"}


def test_follow_ups_by_the_older_routes_find_the_app_of_a_job_at_fal() -> None:
    mock = Mock(mode=Mode.PASSTHROUGH)
    mock.fal = Reply(200, (), b'{"request_id": "r1"}', FALS_ANSWER)
    assert mock.ask("POST", f"/fal/queue/submit/{FLUX}", {}).json == {"request_id": "r1"}
    mock.ask("GET", "/fal/queue/requests/r1/status")
    mock.ask("POST", "/fal/queue/requests/r1/cancel")
    told = [(call.method, call.path) for call in mock.forwarded[1:]]
    assert told == [("GET", "/fal-ai/flux/requests/r1/status"), ("PUT", "/fal-ai/flux/requests/r1/cancel")]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("value", ["true", "1", "TRUE"])
def test_strict_lets_nothing_out(mode: Mode, value: str) -> None:
    mock = Mock(CAT, mode=mode)
    for host in (QUEUE, RUN):
        sent = mock.ask("POST", "/fal/no/such", {}, host, x_aimock_strict=value)
        assert (sent.status, mock.forwarded) == (503, [])


@pytest.mark.parametrize("mode", [Mode.REPLAY, Mode.AUTO, Mode.RECORD])
@pytest.mark.parametrize("dialect", ["fal", "aimock"])
def test_what_strict_lets_not_out_is_a_miss_in_the_journal(mode: Mode, dialect: str) -> None:
    mock = Mock(CAT, mode=mode, dialect=dialect)
    mock.ask("POST", "/fal/no/such", {"prompt": "x"}, RUN, x_aimock_strict="1")
    journal = mock.engines.common.scope.journal
    (entry,) = journal.entries
    assert (journal.total, journal.misses) == (1, 1)
    assert (entry.host, entry.path, entry.door) == (RUN, "/no/such", "aimock")
    assert entry.miss is not None
    assert entry.status == 503


def test_the_journal_has_the_status_that_the_client_was_told() -> None:
    mock = Mock(CAT, dialect="aimock", pace="polls:3,4")
    job = mock.submit(FLUX, {"prompt": "cat"})
    told = [
        mock.ask("GET", f"/fal/{FLUX}/requests/{job}{end}", host=QUEUE).status for end in ("/status", "", "/status")
    ]
    told += [mock.ask("POST", "/fal/run/a/b", b"{").status, mock.ask("POST", "/fal/no/such", {}, RUN).status]
    assert told == [200, 202, 200, 400, 404]
    assert [entry.status for entry in mock.engines.common.scope.journal] == [200, *told]


def test_strict_answers_what_it_knows() -> None:
    for mode in (Mode.REPLAY, Mode.AUTO):
        assert (
            Mock(CAT, mode=mode).ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, RUN, x_aimock_strict="1").status == 200
        )
    assert Mock(CAT).ask("POST", "/fal/no/such", {}, RUN, x_aimock_strict="0").status == 404


# chaos


@pytest.mark.parametrize(
    ("name", "status", "code"), [("drop", 500, "chaos_drop"), ("ratelimit", 429, "chaos_ratelimit")]
)
def test_chaos_that_is_certain(name: str, status: int, code: str) -> None:
    for dialect in ("fal", "aimock"):
        sent = Mock(CAT, dialect=dialect).ask(
            "POST", f"/fal/{FLUX}", {"prompt": "cat"}, RUN, **{f"x_aimock_chaos_{name}": "1"}
        )
        assert sent.status == status
        assert sent.headers.get("retry-after") == ("1" if status == 429 else None)
        assert (sent.json["error"]["code"] == code) if dialect == "aimock" else ("Chaos" in sent.json["detail"])


def test_chaos_that_breaks_an_answer() -> None:
    mock = Mock(CAT)
    malformed = mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, QUEUE, x_aimock_chaos_malformed="1.0")
    assert (malformed.status, malformed.body) == (200, b"{malformed json: <<<chaos>>>")
    gone = mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, QUEUE, x_aimock_chaos_disconnect="1").reply
    assert gone.delivery is not None
    assert gone.delivery.reset is ResetPoint.BEFORE_HEADERS
    assert [entry.fault for entry in mock.engines.common.scope.journal.entries] == [
        "aimock chaos malformedRate",
        "aimock chaos disconnectRate",
    ]


def test_chaos_that_makes_wait() -> None:
    mock = Mock(CAT)
    assert mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, RUN, x_aimock_chaos_latency="250").reply.delay == 0.25
    late = mock.ask("POST", f"/fal/{FLUX}", {}, RUN, x_aimock_chaos_latency="50", x_aimock_chaos_drop="1").reply
    assert (late.status, late.delay) == (500, 0.05)


def test_chaos_by_chance_is_the_same_in_every_run() -> None:
    def run(scope: str) -> list[int]:
        mock = Mock(CAT)
        headers = {"x_aimock_chaos_drop": "0.5", "x_test_id": scope}
        return [mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, RUN, **headers).status for _ in range(40)]

    assert run("a") == run("a") != run("b")
    assert set(run("a")) == {200, 500}


def test_chaos_of_a_scope_and_of_all() -> None:
    mock = Mock(CAT)

    def status(**headers: str) -> int:
        return mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, RUN, **headers).status

    mock.steering.set_chaos("", {"dropRate": 1})
    mock.steering.set_chaos("calm", {})
    assert [status(), status(x_test_id="a"), status(x_test_id="calm"), status(x_aimock_chaos_drop="0")] == [
        500,
        500,
        200,
        200,
    ]
    mock.steering.set_chaos("", None)
    assert status() == 200


def test_chaos_strikes_no_polls() -> None:
    mock = Mock(CAT)
    job = mock.submit(FLUX, {"prompt": "cat"})
    assert mock.ask("GET", f"/fal/{FLUX}/requests/{job}/status", host=QUEUE, x_aimock_chaos_drop="1").status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("drop", "0x1"), ("drop", "2"), ("drop", "-1"), ("malformed", "much"), ("latency", "2.5"), ("latency", "30001")],
)
def test_chaos_that_cannot_be_read(name: str, value: str) -> None:
    sent = Mock(CAT).ask("POST", f"/fal/{FLUX}", {}, RUN, **{f"x_aimock_chaos_{name}": value})
    assert sent.status == 400
    assert f"x-aimock-chaos-{name}" in sent.json["detail"]


# errors that strike once


def test_an_error_strikes_the_next_call_once() -> None:
    for dialect in ("fal", "aimock"):
        mock = Mock(CAT, dialect=dialect)
        mock.steering.add_error("", OneError(429, Worded("busy", "rate_limit_error", "slow")))
        job = mock.engines.common.scope.jobs
        told = mock.ask("GET", f"/fal/{FLUX}/requests/{UNKNOWN}/status", host=QUEUE)
        assert told.status == 404, "polls do not use it up"
        struck = mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, QUEUE, x_test_id="any")
        assert (struck.status, struck.headers["retry-after"], len(job)) == (429, "1", 0)
        expected: Any = {"error": {"message": "busy", "type": "rate_limit_error", "param": None, "code": "slow"}}
        assert struck.json == (expected if dialect == "aimock" else {"detail": "busy", "message": "busy"})
        assert mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, QUEUE).status == 200


def test_an_error_of_a_scope_strikes_there() -> None:
    mock = Mock(CAT)
    mock.steering.add_error("a", OneError(500, Worded("no")))
    told = [mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, RUN, x_test_id=scope).status for scope in "baa"]
    assert told == [200, 500, 200]


# browsers and uploads


def test_a_page_may_call() -> None:
    mock = Mock(CAT)
    asked = {"origin": "http://app.test", "access_control_request_headers": "x-fal-target-host, authorization"}
    allowed = mock.ask("OPTIONS", f"/fal/{FLUX}", None, **asked)
    assert allowed.status == 204
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    assert allowed.headers["access-control-allow-headers"] == "x-fal-target-host, authorization"
    answered = mock.ask("POST", f"/fal/{FLUX}", {"prompt": "cat"}, RUN, origin="http://app.test")
    assert "x-fal-request-id" in answered.headers["access-control-expose-headers"]
    assert mock.ask("GET", "/fal", origin="http://app.test").headers["access-control-allow-origin"] == "*"


def test_an_upload_comes_back_here() -> None:
    for dialect in ("fal", "aimock"):
        mock = Mock(CAT, dialect=dialect)
        body = {"content_type": "image/png", "file_name": "a b.png"}
        told = mock.ask("POST", "/fal/storage/upload/initiate?storage_type=fal-cdn-v3", body, REST).json
        assert told["file_url"].startswith("https://v3b.fal.media/files/b/")
        here = f"http://{HERE}"
        assert told["upload_url"].startswith(f"{here}/fal/@v3b.fal.media/files/b/")
        assert mock.ask("PUT", told["upload_url"].removeprefix(here), b"PNG", content_type="image/png").status == 200
        got = mock.ask("GET", "/fal/@" + told["file_url"].removeprefix("https://"))
        assert (got.body, got.headers["content-type"]) == (b"PNG", "image/png")


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xhtml+xml", "image/png"])
@pytest.mark.parametrize("dialect", ["fal", "aimock"])
def test_an_uploaded_page_runs_no_scripts_at_our_address(dialect: str, kind: str) -> None:
    mock = Mock(CAT, dialect=dialect)
    told = mock.ask("POST", "/fal/storage/upload/initiate", {"content_type": kind, "file_name": "a"}, REST).json
    mock.ask("PUT", told["upload_url"].removeprefix(f"http://{HERE}"), b"<script></script>", content_type=kind)
    got = mock.ask("GET", "/fal/@" + told["file_url"].removeprefix("https://"))
    assert (got.status, got.headers["content-security-policy"]) == (200, "sandbox")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in mock.ask("POST", f"/fal/{FLUX}", {"prompt": "a cat"}, RUN).headers


@pytest.mark.parametrize(
    ("body", "name", "statuses"),
    [
        ({"filename": "cat.png"}, "cat.png", {200}),
        ({"filename": "cat.png", "content_type": "image/png"}, "cat.png", {200}),
        ({"file_name": "dog.png", "content_type": "image/png"}, "dog.png", {200}),
        ({"filename": 5}, "", {422}),
        (b"no json", "upload.bin", {200, 422}),
        (b"[]", "upload.bin", {200, 422}),
        (b"", "upload.bin", {200}),
    ],
)
def test_the_name_of_an_upload(body: Any, name: str, statuses: set[int]) -> None:
    found = [
        Mock(dialect=dialect).ask("POST", "/fal/storage/upload/initiate", body, REST) for dialect in ("aimock", "fal")
    ]
    assert {each.status for each in found} == statuses
    assert found[0].status == min(statuses)
    assert all(each.json["file_url"].endswith(name) for each in found if each.status == 200)
