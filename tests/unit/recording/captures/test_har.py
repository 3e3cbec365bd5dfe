from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped, unused-ignore]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.captures import har
from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import NotACapture
from falmock.recording.captures.capture import NotAttached
from falmock.recording.captures.capture import Unusable
from falmock.recording.exchange import Exchange
from falmock.recording.exchange import Message
from falmock.recording.exchange import Session
from unit.recording.exchanges import PNG

STARTED = "2025-07-15T22:43:18.000Z"
POST = {"mimeType": "application/json", "text": '{"prompt":"a cat"}'}
PUT_URL = "https://v3b.fal.media/signed/cat.png?signature=x"


def entry(
    method: str = "POST",
    url: str = "https://fal.run/a/b?x=1",
    content: Any = None,
    posted: Any = POST,
    status: int = 200,
    **more: Any,
) -> dict[str, Any]:
    """An entry as a browser exports it."""
    request = {
        "method": method,
        "url": url,
        "httpVersion": "HTTP/2",
        "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "X-A", "value": "é"}],
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": 18,
        **({"postData": posted} if posted is not None else {}),
    }
    response = {
        "status": status,
        "statusText": "OK",
        "headers": [{"name": "content-type", "value": "application/json"}],
        "content": content if content is not None else {"size": 7, "mimeType": "application/json", "text": '{"n":1}'},
        "redirectURL": "",
    }
    return {"startedDateTime": STARTED, "time": 1500.5, "request": request, "response": response, "timings": {}, **more}


BESIDE = {"a1.png": PNG, "b2.json": b'{"prompt":"a cat"}'}


def beside(name: str) -> bytes:
    if name not in BESIDE:
        raise NotAttached(f"there is no {name}")
    return BESIDE[name]


def read(*entries: Any) -> list[Entry]:
    """The entries of a HAR, by way of its JSON."""
    document = {"log": {"version": "1.2", "creator": {"name": "test"}, "entries": list(entries)}}
    return list(har.read(json.loads(json.dumps(document)), beside))


def one(*args: Any, **more: Any) -> Exchange:
    (found,) = read(entry(*args, **more))
    assert isinstance(found, Exchange), found
    return found


def unusable(value: Any) -> Unusable:
    (found,) = read(value)
    assert isinstance(found, Unusable), found
    return found


def png(data: str, size: int = len(PNG)) -> dict[str, Any]:
    return {"size": size, "mimeType": "image/png", "text": data, "encoding": "base64"}


WHOLE = base64.b64encode(PNG).decode()


# browsers


def test_an_entry_is_an_exchange() -> None:
    found = one()
    assert found.request.method == "POST"
    assert (found.request.host, found.request.path, found.request.query) == ("fal.run", "/a/b", "x=1")
    assert found.request.headers == {"content-type": "application/json", "x-a": "é"}
    assert found.request.body == b'{"prompt":"a cat"}'
    assert (found.status, found.headers, found.body) == (200, {"content-type": "application/json"}, b'{"n":1}')
    assert (found.started, found.ended) == (1752619398.0, 1752619399.5005)
    assert found.lost == ""


def test_binary_bodies_are_in_base64() -> None:
    found = one("GET", posted=None, content=png(WHOLE))
    assert (found.body, found.lost) == (PNG, "")
    sent = {"mimeType": "image/png", "text": WHOLE, "encoding": "base64"}
    assert one("PUT", PUT_URL, posted=sent).request.body == PNG


def test_texts_are_utf_8() -> None:
    assert one(content={"size": 7, "mimeType": "text/plain", "text": "größe"}).body == "größe".encode()


def test_a_type_that_only_the_content_tells_is_the_answers() -> None:
    value = entry(content=png(WHOLE))
    value["response"]["headers"] = []
    (found,) = read(value)
    assert isinstance(found, Exchange)
    assert found.content_type == "image/png"


def test_hosts_are_compared_in_lower_case_and_paths_begin_with_a_slash() -> None:
    found = one("GET", "https://FAL.run", posted=None)
    assert (found.request.host, found.request.path) == ("fal.run", "/")


def test_entries_are_in_the_order_of_their_start() -> None:
    late = entry(url="https://fal.run/late", startedDateTime="2025-07-15T22:43:19Z")
    found = read(late, entry(url="https://fal.run/soon"))
    assert [one.request.path for one in found if isinstance(one, Exchange)] == ["/soon", "/late"]


# other tools


def test_headers_may_be_pairs() -> None:
    value = entry()
    value["response"]["headers"] = [["Content-Type", "text/html"], ["x-b", "1", "extra"]]
    (found,) = read(value)
    assert isinstance(found, Exchange)
    assert found.headers == {"content-type": "text/html", "x-b": "1"}


@pytest.mark.parametrize("cut", [WHOLE[:-3], WHOLE[:20] + "...", WHOLE[:21], "not base64!"])
def test_base64_that_was_cut_is_lost(cut: str) -> None:
    assert one("GET", posted=None, content=png(cut)).lost


def test_base64_with_something_else_in_it_is_lost_whatever_the_size() -> None:
    assert one("GET", posted=None, content=png(WHOLE[:20] + "...." + WHOLE[20:])).lost == "its base64 was cut"
    assert one("GET", posted=None, content=png("[cut]" * 4, -1)).lost == "its base64 was cut"


def test_base64_that_was_cut_at_a_good_place_is_lost_too() -> None:
    assert one("GET", posted=None, content=png(WHOLE[:20])).lost == "the HAR has 15 of the 72 bytes of the answer"


def test_a_compressed_body_is_larger_than_what_came_over_the_wire() -> None:
    content = {"size": 1000, "mimeType": "application/json", "text": '{"n":1}'}
    value = entry(content=content)
    assert one(content=content).lost
    value["response"]["headers"].append({"name": "Content-Encoding", "value": "gzip"})
    (found,) = read(value)
    assert isinstance(found, Exchange)
    assert found.lost == ""


def test_an_answer_without_its_text_is_lost() -> None:
    assert one(content={"size": 7, "mimeType": "text/plain"}).lost == "the HAR does not have the body of the answer"


@pytest.mark.parametrize("content", [{}, {"size": 0}, {"size": -1, "mimeType": "x"}, {"size": None}])
def test_an_answer_without_a_body_is_whole(content: dict[str, Any]) -> None:
    found = one(content=content)
    assert (found.body, found.lost) == (b"", "")


@pytest.mark.parametrize("status", [204, 304])
def test_what_has_no_body_by_its_status_is_whole(status: int) -> None:
    assert one(content={"size": 7}, status=status).lost == ""


@pytest.mark.parametrize("posted", [None, {"mimeType": "image/png", "text": ""}])
def test_an_upload_without_its_bytes_is_lost(posted: Any) -> None:
    assert one("PUT", PUT_URL, posted=posted).lost == "the HAR does not have what was uploaded"


@pytest.mark.parametrize("posted", [None, {"mimeType": "", "text": ""}])
def test_an_upload_of_no_bytes_is_whole(posted: Any) -> None:
    given = entry("PUT", PUT_URL, posted=posted)
    given["request"]["headers"] = [{"name": "Content-Length", "value": "0"}]
    (found,) = read(given)
    assert isinstance(found, Exchange)
    assert (found.request.body, found.lost) == (b"", "")


def test_a_cancel_has_no_body_to_lose() -> None:
    assert one("PUT", "https://queue.fal.run/a/b/requests/id/cancel", posted=None).lost == ""


@pytest.mark.parametrize("posted", [{"mimeType": "x"}, {"mimeType": "x", "params": []}, {"text": None}])
def test_a_request_without_its_text_is_lost(posted: Any) -> None:
    assert one(posted=posted).lost == "the HAR does not have the body of the request"


# what is no exchange


@pytest.mark.parametrize("status", [0, None, -1])
def test_an_entry_without_an_answer_is_named(status: Any) -> None:
    value = entry()
    value["response"]["status"] = status
    assert unusable(value) == Unusable(
        "entry 0, POST https://fal.run/a/b,",
        "it has no answer (blocked, failed or still under way)",
        "POST",
        "https://fal.run/a/b?x=1",
    )


def test_a_socket_without_its_messages_is_named() -> None:
    assert unusable(entry(status=101)).why == "the HAR does not have the messages of the socket"


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("x-gzip", gzip.compress), ("gzip, br", lambda data: brotli.compress(gzip.compress(data)))],
)
def test_a_body_that_a_tool_wrote_as_it_was_sent_is_decoded(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    packed = {"size": 9, "mimeType": "image/png", "text": base64.b64encode(pack(PNG)).decode(), "encoding": "base64"}
    value = entry(content=packed)
    value["response"]["headers"].append({"name": "Content-Encoding", "value": encoding})
    value["request"]["headers"].append({"name": "Content-Encoding", "value": encoding})
    value["request"]["postData"] = packed
    for text in (packed["text"], WHOLE):  # most tools write it decoded, as HAR 1.2 has it
        packed["text"] = text
        (found,) = read(value)
        assert isinstance(found, Exchange)
        assert (found.request.body, found.body, found.lost) == (PNG, PNG, "")


@pytest.mark.parametrize(
    "broken",
    [
        None,
        1,
        [],
        {},
        {"request": {}},
        entry() | {"startedDateTime": "today"},
        entry() | {"startedDateTime": None},
        entry() | {"time": "long"},
        entry() | {"response": None},
        entry(url="https://[fal.run/"),
        entry(status="ok"),  # type: ignore[arg-type]
    ],
)
def test_an_entry_that_cannot_be_read_is_named_and_the_rest_is_used(broken: Any) -> None:
    found = read(broken, entry())
    assert [type(one) for one in found] == [Unusable, Exchange]
    assert isinstance(found[0], Unusable)
    assert found[0].what.startswith("entry 0")
    assert found[0].why.startswith("it does not follow HAR 1.2")


@pytest.mark.parametrize("log", [None, 1, [], {}, {"entries": {}}])
def test_a_log_without_entries(log: Any) -> None:
    with pytest.raises(NotACapture, match=r"expected a HAR, an object with log\.entries, a list"):
        har.read({"log": log}, beside)


def test_a_har_of_another_version() -> None:
    with pytest.raises(NotACapture, match=r"expected a HAR 1\.2, found version '2\.0'"):
        har.read({"log": {"version": "2.0", "entries": []}}, beside)
    assert list(har.read({"log": {"version": "1.1", "entries": []}}, beside)) == []


# bodies in files beside the HAR, as Playwright writes them


def test_bodies_in_files_beside_the_har() -> None:
    found = one(
        content={"size": len(PNG), "mimeType": "image/png", "_file": "a1.png"},
        posted={"mimeType": "application/json", "text": "", "params": [], "_file": "b2.json"},
    )
    assert (found.request.body, found.body, found.lost) == (BESIDE["b2.json"], PNG, "")


def test_a_file_that_is_not_there_or_not_whole_is_lost() -> None:
    assert one(content={"size": 7, "_file": "gone.png"}).lost == "there is no gone.png"
    assert one(posted={"text": "", "_file": "gone.json"}).lost == "there is no gone.json"
    assert one("PUT", PUT_URL, posted={"text": "", "_file": "gone.png"}).lost == "there is no gone.png"
    assert "of the 99 bytes" in one(content={"size": 99, "_file": "a1.png"}).lost


def test_files_are_read_when_their_entry_is_asked_for() -> None:
    asked: list[str] = []

    def noted(name: str) -> bytes:
        asked.append(name)
        return PNG

    entries = [entry(content={"_file": name}) for name in ("1", "2")]
    found = har.read({"log": {"entries": entries}}, noted)
    next(found)
    assert asked == ["1"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["startedDateTime", "time", "request", "response"]), st.text(max_size=3), JSON)
def test_whatever_is_in_an_entry_it_is_read_or_named(part: str, key: str, value: Any) -> None:
    changed = entry()
    if isinstance(changed[part], dict):
        for place in [key, *changed[part]]:
            read(changed | {part: changed[part] | {place: value}})
    read(changed | {part: value})


# sockets, as Chrome exports them


def socket(*said: Any) -> dict[str, Any]:
    url = "wss://fal.run/a/b/realtime?fal_jwt_token=x"
    return entry("GET", url, posted=None, status=101, _webSocketMessages=list(said))


def said(kind: str, data: str, opcode: int = 1, at: float = 1752619400.25) -> dict[str, Any]:
    return {"type": kind, "time": at, "opcode": opcode, "data": data}


@pytest.mark.parametrize("odd", [entry(time=1e300), entry(time=float("inf")), socket(said("send", "a", at=1e17))])
def test_times_that_are_no_dates(odd: dict[str, Any]) -> None:
    (found,) = read(odd)
    assert isinstance(found, Unusable)
    assert "out of range" in found.why


def test_what_was_said_on_a_socket_is_a_session() -> None:
    (found,) = read(socket(said("send", "aGk=", 2), said("receive", "hello", at=1752619401.5), said("receive", "", 9)))
    assert isinstance(found, Session)
    assert (found.request.host, found.request.path, found.request.query) == (
        "fal.run",
        "/a/b/realtime",
        "fal_jwt_token=x",
    )
    assert found.messages == (Message(1752619400.25, True, b"hi"), Message(1752619401.5, False, "hello"))
    assert (found.opened, found.ended, found.close, found.lost) == (1752619398.0, 1752619401.5, None, "")


def test_a_socket_on_which_nothing_was_said() -> None:
    (found,) = read(socket())
    assert isinstance(found, Session)
    assert (found.messages, found.ended) == ((), 1752619399.5005)


@pytest.mark.parametrize("broken", [said("send", "a", 2), {"type": "send"}, "send", said("send", "", at="soon")])
def test_a_socket_that_cannot_be_read(broken: Any) -> None:
    assert "does not follow HAR 1.2" in unusable(socket(broken)).why
