from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import Delivery
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.faults import replies
from falmock.engine.faults.replies import malformed
from falmock.engine.faults.selector import CallInfo
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.injected_fault import SeededRandom
from falmock.fixtures.format.fault import read_text
from falmock.wire import calls
from falmock.wire.endpoint import parse
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import ErrorKind
from falmock.wire.errors import ErrorSpec
from falmock.wire.formats.jsontext import BadJSON
from falmock.wire.formats.jsontext import loads
from falmock.wire.message import Request

REPLY = Reply(200, ((b"Content-Type", b"application/json"), (b"x-a", b"b")), b'{"a":1234}', "why", "f.json#0", 1.0)
FILE = REPLY._replace(body=FileBody("/f", 10, 110))
MARK = b"x-falmock-fault"


def injected(value: Any) -> InjectedFault:
    return InjectedFault(read_text(json.dumps(value)), "a rule", SeededRandom(0, "x", 1))


def struck(value: Any, reply: Reply = REPLY) -> Reply:
    return replies.applied(injected(value), reply)


@pytest.mark.parametrize(
    ("fault", "delivery"),
    [
        ({"firstByte": 2}, Delivery(first_byte=2)),
        ({"drip": {"bytes": 3, "every": 0.5}}, Delivery(piece=3, pause=0.5)),
        ({"truncate": 4}, Delivery(cut=4)),
        ({"truncate": 400}, Delivery(cut=10)),
        ({"truncate": "50%"}, Delivery(cut=5)),
        ({"reset": "before-headers"}, Delivery(reset=ResetPoint.BEFORE_HEADERS)),
        ({"reset": "after-headers"}, Delivery(reset=ResetPoint.AFTER_HEADERS)),
        ({"contentLength": 3}, Delivery(length=3)),
        ({"contentLength": "+10"}, Delivery(length=20)),
        ({"latency": 1}, None),
    ],
)
def test_deliveries(fault: Any, delivery: Delivery | None) -> None:
    found = struck(fault)
    assert found.delivery == delivery
    assert (found.body, found.status, found.fixture) == (REPLY.body, 200, "f.json#0")
    assert found.fault == injected(fault).fault.name
    assert found.headers[-1] == (MARK, injected(fault).fault.name.encode())
    assert found.why == "why; asked for by a rule"


def test_sizes_of_files() -> None:
    assert struck({"truncate": "50%"}, FILE).delivery == Delivery(cut=50)
    assert struck({"contentLength": "-1"}, FILE).delivery == Delivery(length=99)
    assert struck({"body": "empty"}, FILE).body == b""
    with pytest.raises(BadJSON):
        loads(bytes(struck({"body": "malformed-json"}, FILE).body))  # type: ignore[arg-type]


def test_latency_adds_to_the_time_that_the_answer_takes() -> None:
    assert struck({"latency": 0.5}).delay == 1.5
    assert 2 <= struck({"latency": {"uniform": [1, 2]}}).delay < 3


@pytest.mark.parametrize(
    ("fault", "content_type", "body"),
    [
        ({"body": "empty"}, b"application/json", b""),
        ({"body": "html"}, b"text/html; charset=utf-8", None),
        ({"body": "html", "contentType": "application/json"}, b"application/json", None),
        ({"contentType": "text/plain"}, b"text/plain", REPLY.body),
        ({"body": "malformed-json"}, b"application/json", b'{"a":1234,'),
    ],
)
def test_bodies_and_types(fault: Any, content_type: bytes, body: bytes | None) -> None:
    found = struck(fault)
    assert [value for name, value in found.headers if name.lower() == b"content-type"] == [content_type]
    assert (b"x-a", b"b") in found.headers
    if body is not None:
        assert found.body == body
    else:
        assert isinstance(found.body, bytes)
        assert found.body.startswith(b"<html>")


def test_a_length_is_of_the_body_that_is_sent() -> None:
    found = struck({"body": "empty", "contentLength": "+5"}, REPLY._replace(length=10))
    assert (found.delivery, found.length) == (Delivery(length=5), None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_malformed_json_is_none(value: Any) -> None:
    with pytest.raises(BadJSON):
        loads(malformed(json.dumps(value).encode()))


def test_what_does_nothing_to_answers_leaves_no_trace() -> None:
    assert struck({"job": "retried"}) == REPLY


REQUEST = Request("POST", "fal.run", "/fal-ai/flux/dev/x", "", {}, b"")
RUN = CallInfo(REQUEST, calls.Run(parse("fal-ai/flux/dev/x")), "run", "fal-ai/flux/dev/x")


TEMPORARY = frozenset(
    {
        "request_timeout",
        "startup_timeout",
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_disconnected",
        "runner_connection_refused",
        "runner_connection_error",
        "concurrent_requests_limit",
        "max_queue_length",
    }
)
"""The errors after which a caller of fal.run has to try again (PROTOCOL.md section 3.6)."""


def needs_retry(name: str) -> str | None:
    if ERRORS[name].kind is ErrorKind.MODEL:
        return "true" if ERRORS[name].status >= 500 else "false"
    return "1" if name in TEMPORARY else None


@pytest.mark.parametrize("name", ERRORS)
def test_error_replies(name: str) -> None:
    found = replies.error_reply(injected(name), ErrorSpec(name), RUN, "the-id")
    error = ERRORS[name]
    headers = {key.decode().lower(): value.decode() for key, value in found.headers}
    assert (found.status, found.fault, headers["x-falmock-fault"]) == (error.status, name, name)
    assert len(headers) == len(found.headers)
    turned_away = error.kind in (ErrorKind.GATEWAY, ErrorKind.PAGE, ErrorKind.PLATFORM)
    assert ("x-fal-request-id" in headers) is not turned_away
    assert ("x-fal-served-from" in headers) is (error.kind in (ErrorKind.MODEL, ErrorKind.APP))
    assert ("x-fal-error-type" in headers) is (error.kind is ErrorKind.REQUEST)
    assert headers.get("x-fal-needs-retry") == needs_retry(name)
    assert headers.get("x-fal-request-timeout-type") == ("user" if name == "user_timeout" else None)
    assert headers.get("x-fal-billable-units") == ("0" if error.status == 422 or name == "path_not_found" else None)
    assert ("x-robots-tag" in headers) is (error.kind is not ErrorKind.PAGE)


def test_an_error_names_what_was_called() -> None:
    def body(name: str) -> Any:
        return loads(bytes(replies.error_reply(injected(name), ErrorSpec(name), RUN, "").body))  # type: ignore[arg-type]

    assert body("missing_authorization")["detail"].startswith("Cannot access application 'fal-ai/flux'.")
    assert body("unknown_app") == {"detail": 'Application "flux" not found'}
    assert body("path_not_found") == {"detail": "Path /dev/x not found"}


def test_a_connection_that_breaks_off() -> None:
    found = replies.broken_off(injected({"reset": "before-headers", "latency": 2}))
    assert (found.delivery, found.delay) == (Delivery(reset=ResetPoint.BEFORE_HEADERS), 2)
    assert found.fault == "latency + reset before-headers"
