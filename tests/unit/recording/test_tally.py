"""Every call is counted once, whatever it is and whatever came of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.recording import tally
from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Session
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import SelfAnswered
from falmock.recording.outcome import Tell
from falmock.recording.outcome import uncounted
from falmock.recording.tally import Tally
from falmock.wire.formats.frames import Close
from falmock.wire.message import content_of
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import exchange
from unit.recording.test_sockets import session

SAVE = Save({"match": {}}, "flux", "a call", 1.0, {})
LINK = Link("https://v3.fal.media/files/b/cat.png", content_of(b"png"), "image/png")
FILE = "https://storage.example.com/out/cat.png?sig=1"
HOSTS = (
    "fal.run",
    "queue.fal.run",
    "rest.fal.ai",
    "api.fal.ai",
    "fal.ai",
    "auth.fal.ai",
    "new.fal.ai",
    "ws.fal.run",
    "v3.fal.media",
    "storage.googleapis.com",
    "router.huggingface.co",
    "storage.example.com",
    "up.example.com",
)
PATHS = (
    "/",
    "/a/b",
    "/a/b/stream",
    "/a/b/realtime",
    "/a/b/requests/1",
    "/a/b/requests/1/status",
    "/a/b/requests/1/status/stream",
    "/a/b/requests/2/cancel",
    "/a/b/requests/1/other",
    "/fal-ai/a/b",
    "/storage/upload/initiate",
    "/storage/auth/token",
    "/tokens/",
    "/.well-known/jwks.json",
    "/v1/models",
    "/v1/keys",
    "/api/models",
    "/files/upload",
    "/files/upload/multipart",
    "/files/b/cat.png",
    "/files/b/cat.png/multipart/x/1",
    "/files/b/cat.png/multipart/x/complete",
    "/falserverless/cat.png",
    "/out/cat.png?sig=1",
    "/out/cat.png?sig=2",
    "/x",
)
BODIES: tuple[Any, ...] = (
    None,
    b"no JSON",
    [],
    {},
    {"request_id": "1", "status": "IN_QUEUE"},
    {"request_id": "2"},
    {"status": "COMPLETED"},
    {"status": "NOT_FOUND"},
    {"url": FILE, "more": ["https://v3.fal.media/files/b/cat.png"]},
    {"upload_url": "https://up.example.com/x", "file_url": "https://v3.fal.media/files/b/cat.png"},
    {"access_url": "https://v3.fal.media/files/b/cat.png"},
    {"detail": "User is locked. Reason: TOP_UP."},
    "token",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
STATUSES = (
    101,
    200,
    201,
    202,
    204,
    206,
    302,
    304,
    400,
    401,
    402,
    403,
    404,
    405,
    416,
    422,
    429,
    499,
    500,
    502,
    503,
    504,
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    line = f"{draw(st.sampled_from(METHODS))} https://{draw(st.sampled_from(HOSTS))}{draw(st.sampled_from(PATHS))}"
    headers = draw(
        st.sampled_from(
            [
                {},
                {"x-fal-request-id": "1"},
                {"content-type": "text/event-stream"},
                {"location": FILE},
                {"location": "/x"},
            ]
        )
    )
    asked = draw(st.sampled_from([{}, {}, {}, {"upgrade": "websocket"}]))
    sent, answer = draw(st.sampled_from(BODIES)), draw(st.sampled_from(BODIES))
    lost = draw(st.sampled_from(["", "", "", "its body is not there"]))
    return exchange(line, sent, answer, draw(st.sampled_from(STATUSES)), asked=asked, headers=headers, lost=lost)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    said = draw(
        st.lists(st.tuples(st.just(1.0), st.sampled_from("<>"), st.sampled_from(["x", b"\xc0", "{}"])), max_size=3)
    )
    close = draw(st.sampled_from([None, Close(1000), Close(1008, "User is locked")]))
    found = session(*said, close=close, lost=draw(st.sampled_from(["", "it broke off"])))
    where = {"host": draw(st.sampled_from(HOSTS)), "path": draw(st.sampled_from(PATHS))}
    return found._replace(request=found.request._replace(**where))


@settings(max_examples=300)
@given(st.lists(exchanges() | sessions(), max_size=25), st.booleans(), st.integers(1, 3))
def test_the_counts_of_any_traffic_add_up(traffic: list[Exchange | Session], errors: bool, limit: int) -> None:  # noqa: FBT001
    observed = ObservedTraffic(errors=errors, max_jobs=limit)
    for one in traffic:
        if isinstance(one, Exchange):
            observed.note(one)  # this checks that the call is counted once
        else:
            before = observed.tally.open
            observed.tally.add(observed.recorder.note_session(one))
            assert observed.tally.open == before
    observed.finish()
    counts = observed.tally
    assert counts.open == 0
    assert counts.seen == len(traffic)
    assert min([counts.recorded, *counts.self_answered.values(), *counts.not_recorded.values()]) >= 0
    assert counts.summary().startswith(f"{len(traffic)} call")


RECORDED, OWN, TOLD, IN_JOB = "recorded", "self-answered", "not recorded", "in a job"
ROWS: list[tuple[str, int, str]] = [
    ("POST https://fal.run/a/b", 200, RECORDED),
    ("POST https://fal.run/a/b", 422, RECORDED),
    ("POST https://fal.run/a/b", 302, TOLD),
    ("POST https://fal.run/a/b", 402, TOLD),
    ("GET https://fal.run/a/b", 200, RECORDED),
    ("PUT https://fal.run/a/b/items/1", 200, RECORDED),
    ("DELETE https://fal.run/a/b/items/1", 204, RECORDED),
    ("PATCH https://fal.run/a/b/items/1", 422, RECORDED),
    ("HEAD https://fal.run/a/b", 405, RECORDED),
    ("DELETE https://fal.run/a/b", 403, TOLD),
    ("OPTIONS https://fal.run/a/b", 200, OWN),
    ("GET https://fal.run/", 404, RECORDED),
    ("POST https://queue.fal.run/a/b", 200, IN_JOB),
    ("POST https://queue.fal.run/a/b", 422, RECORDED),
    ("POST https://queue.fal.run/a/b", 402, TOLD),
    ("PUT https://queue.fal.run/a/b", 405, RECORDED),
    ("GET https://queue.fal.run/a/b/requests/1/status", 200, TOLD),
    ("GET https://queue.fal.run/a/b/requests/1/status", 404, OWN),
    ("DELETE https://queue.fal.run/a/b/requests/1", 200, TOLD),
    ("GET https://api.fal.ai/v1/models", 200, RECORDED),
    ("GET https://api.fal.ai/v1/models", 400, RECORDED),
    ("GET https://api.fal.ai/v1/models", 404, RECORDED),
    ("GET https://api.fal.ai/v1/models", 500, TOLD),
    ("GET https://api.fal.ai/v1/models", 401, TOLD),
    ("DELETE https://api.fal.ai/v1/models/requests/1/payloads", 200, RECORDED),
    ("GET https://api.fal.ai/v1/keys", 200, TOLD),
    ("POST https://api.fal.ai/v1/serverless/secrets", 200, TOLD),
    ("GET https://fal.ai/api/models", 200, RECORDED),
    ("GET https://fal.ai/models", 200, TOLD),
    ("GET https://auth.fal.ai/userinfo", 200, TOLD),
    ("GET https://rest.fal.ai/billing/user_balance", 200, RECORDED),
    ("GET https://new.fal.ai/anything", 200, RECORDED),
    ("GET https://ws.fal.run/a/b", 426, RECORDED),
    ("POST https://rest.fal.ai/storage/upload/initiate", 200, OWN),
    ("POST https://rest.fal.ai/storage/upload/initiate", 400, TOLD),
    ("POST https://rest.fal.ai/storage/auth/token", 200, OWN),
    ("POST https://rest.fal.ai/storage/auth/token", 403, TOLD),
    ("POST https://rest.fal.ai/tokens/", 200, OWN),
    ("GET https://rest.fal.ai/.well-known/jwks.json", 200, OWN),
    ("POST https://v3.fal.media/files/upload", 200, OWN),
    ("POST https://v3.fal.media/files/upload", 413, TOLD),
    ("PUT https://v3.fal.media/files/b/x_cat.png", 200, TOLD),
    ("DELETE https://v3.fal.media/files/b/x_cat.png", 405, RECORDED),
    ("GET https://v3.fal.media/files/b/x_cat.png", 200, RECORDED),
    ("GET https://v3.fal.media/files/b/x_cat.png", 404, RECORDED),
    ("GET https://v3.fal.media/files/b/x_cat.png", 403, TOLD),
    ("GET https://v3.fal.media/files/b/x_cat.png", 206, TOLD),
    ("GET https://v3.fal.media/files/b/x_cat.png", 304, TOLD),
    ("GET https://v3.fal.media/files/b/x_cat.png", 302, TOLD),
    ("HEAD https://v3.fal.media/files/b/x_cat.png", 200, TOLD),
    ("POST https://router.huggingface.co/fal-ai/a/b", 200, RECORDED),
    ("DELETE https://router.huggingface.co/fal-ai/a/b", 405, RECORDED),
    ("POST https://example.com/a/b", 200, TOLD),
]


@pytest.mark.parametrize(("line", "status", "fate"), ROWS, ids=str)
def test_what_becomes_of_each_kind_of_call(line: str, status: int, fate: str) -> None:
    observed = ObservedTraffic()
    observed.note(exchange(line, {}, None if status == 204 else {"request_id": "1"}, status))
    counts = observed.tally
    found = {
        RECORDED: counts.recorded,
        OWN: counts.self_answered.total(),
        TOLD: counts.not_recorded.total(),
        IN_JOB: counts.open,
    }
    assert found == {**dict.fromkeys(found, 0), fate: 1}
    assert (len(observed.entries), observed.loads) == (int(fate == RECORDED), True)
    if fate == TOLD and "example" not in line:
        assert len(observed.warnings) == 1


def test_the_calls_of_a_job_are_counted_when_it_is_over(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    job.status("IN_PROGRESS", 1)
    assert (observed.tally.open, observed.tally.recorded) == (2, 0)
    job.result()
    assert (observed.tally.open, observed.tally.recorded, observed.tally.fixtures) == (0, 3, 1)
    job.status("COMPLETED")
    other = observed.submit("a/b")
    other.status("IN_PROGRESS")
    observed.finish()
    other.status("IN_PROGRESS")
    assert observed.tally.summary() == (
        "7 calls to fal: 3 recorded in 1 fixture, 1 that falmock answers by itself in replay "
        "(1 calls about jobs that were recorded before), 3 not recorded (3: its result was never fetched)"
    )


def test_a_request_id_that_is_given_again_ends_the_job_before(observed: ObservedTraffic) -> None:
    answer = {"request_id": "1"}
    for _ in range(2):
        observed.observe("POST https://queue.fal.run/a/b", {}, answer)
    assert observed.warnings == ["job 1 of a/b is not recorded: its result was never fetched"]


def told(*outcomes: Outcome) -> str:
    counts = Tally()
    counts.add(outcomes, sum(getattr(one, "calls", int(isinstance(one, SelfAnswered))) for one in outcomes))
    return counts.summary()


def test_a_warning_about_a_recorded_call_is_no_call_that_is_lost() -> None:
    warning = Tell("a socket was cut", Level.WARNING)
    assert told(SAVE, warning) == "1 call to fal: 1 recorded in 1 fixture. 1 warning about recorded calls"
    part = NotRecorded("a message", "no", calls=0)
    assert told(SAVE._replace(calls=3), part, warning, Tell("hint")) == (
        "3 calls to fal: 3 recorded in 1 fixture. 2 warnings about recorded calls"
    )
    assert told() == "0 calls to fal: 0 recorded in 0 fixtures"


def test_the_reasons_are_listed_the_most_frequent_first() -> None:
    assert told(
        NotRecorded("x", "a"), NotRecorded("y", "b"), NotRecorded("z", "b", 2), LINK, SelfAnswered("downloads")
    ) == (
        "6 calls to fal: 1 recorded in 0 fixtures, 1 that falmock answers by itself in replay (1 downloads), "
        "4 not recorded (3: b; 1: a)"
    )


def test_what_cannot_be_written_is_not_recorded() -> None:
    counts = Tally()
    counts.add([SAVE._replace(calls=4), LINK], 5)
    counts.failed(SAVE._replace(calls=4))
    counts.failed(LINK)
    counts.failed(LINK._replace(calls=0))
    assert counts.summary() == "5 calls to fal: 0 recorded in 0 fixtures, 5 not recorded (5: it could not be written)"
    assert counts.unwritten == 3


def test_reasons_without_end_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MAX_REASONS", 2)
    assert told(*(NotRecorded("x", str(n)) for n in range(4))).endswith(
        "4 not recorded (2: other reasons, see the log; 1: 0; 1: 1)"
    )


def test_what_is_counted_elsewhere_counts_nothing() -> None:
    outcomes: list[Outcome] = [SAVE, LINK, NotRecorded("x", "a"), SelfAnswered("downloads"), Tell("hint")]
    counts = Tally()
    counts.add(uncounted(outcomes), 0)
    assert (counts.seen, counts.recorded, counts.open, counts.fixtures) == (0, 0, 0, 1)
