"""Sockets of real clients through a real mitmdump: realtime, sockets that an app defines, runs over a socket.

The pace is `recorded`: frames without a time come at once.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import browser
from clients import running
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

App = Callable[..., Any]
PROGRAMS = CLIENTS / "programs"
IMAGE = bytes(range(256)) * 4
MASK = b"\x00\x01"
CAT = {"prompt": "a cat"}
TIMINGS = {"type": "x-fal-message", "action": "timings", "timing": 0.0123}
LAST = {"last": True}
CONTENT = "0123456789abcdef" * 8192


def in_json(content: bytes) -> dict[str, str]:
    return {"$bytes": base64.b64encode(content).decode()}


def token(**payload: Any) -> str:
    """A token that fal could have signed."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, payload))
    return f"{'.'.join(parts)}.c2lnbmVk"


REFUSED = ['{"status":"error","error":"Unauthorized"}', {"closed": 1000, "reason": ""}]
EXPIRED, LASTING = token(exp=1_000_000_000), token(exp=4_000_000_000)
ERROR = {"type": "x-fal-error", "error": "OVERHEATED", "reason": "too hot"}
ROWS: dict[str, list[dict[str, Any]]] = {
    "a map": [{"msgpack": {"n": 1}}],
    "other JSON": [{"json": {"n": 1}}],
    "a message about it": [{"json": TIMINGS}],
    "a timeout": [{"json": {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs"}}],
    "an error": [{"json": ERROR}],
    "an error in binary": [{"msgpack": ERROR}],
    "not authorized": [{"json": {"status": "error", "error": "Unauthorized"}}],
    "another status error": [{"json": {"status": "error", "error": "Other"}}],
    "no JSON": [{"text": "hello"}],
}
"""What the server may send (PROTOCOL.md section 5.3, "Client reactions"), each before a last result."""
STALE = ("stale-realtime", "stale-realtime_async", "stale-js")
"""Apps whose first token has expired, one for each client."""
FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"model": "acme/draw", "input": {"prompt": "a cat", "mask": {"$file": "mask.bin"}}, "exact": True},
        "realtime": [
            {"msgpack": {"images": [{"content": {"$file": "cat.jpg", "as": "bytes"}}], "seed": 2**40, "scale": 0.5}},
            {"json": TIMINGS},
        ],
    },
    {"match": {"model": "acme/draw", "input": CAT}, "realtime": [{"msgpack": {"plain": True}}]},
    *(
        {"match": {"model": "acme/rows", "input": {"row": row}}, "realtime": [*frames, {"msgpack": LAST}]}
        for row, frames in ROWS.items()
    ),
    {"match": {"model": "acme/closes", "input": {"code": 1000}}, "realtime": [{"msgpack": LAST}, {"close": {}}]},
    {
        "match": {"model": "acme/closes", "input": {"code": 4001}},
        "realtime": [{"msgpack": LAST}, {"close": {"code": 4001, "reason": "bye"}}],
    },
    *({"match": {"model": "acme/slow", "input": {"n": n}}, "realtime": [{"at": 3, "msgpack": n}]} for n in range(8)),
    {"match": {"model": "acme/slow", "input": {"n": -1}}, "realtime": [{"msgpack": {"ready": True}}]},
    {"match": {"model": "acme/ordinary"}, "response": {"json": {"seed": 7, "scale": 1.0}}, "queue": {"completed": 0}},
    {"match": {"model": "acme/fails"}, "response": {"error": {"message": "too bright"}}, "queue": {"completed": 0}},
    {"match": {"model": "acme/greets", "opening": True}, "realtime": [{"json": {"hello": "é"}}, {"ping": "hi"}]},
    {"match": {"model": "acme/greets"}, "realtime": []},
    {
        "match": {"model": "acme/raw/ws", "input": {"text": "bye"}},
        "realtime": [{"close": {"code": 4002, "reason": "é"}}],
    },
    {"match": {"model": "acme/raw/ws", "input": {"n": 1}}, "realtime": [{"json": {"n": 2}}]},
    {"match": {"model": "acme/raw/ws", "input": {"binary": {"$file": "noise.bin"}}}, "realtime": [{"binary": "AAE="}]},
    {"match": {"model": "acme/raw/ws"}, "realtime": [{"text": CONTENT}]},
    {"match": {"model": "acme/raw/p"}, "realtime": [{"text": "p"}]},
    {"match": {"model": "acme/run", "input": CAT}, "response": {"json": {"a": "cat"}}, "queue": {"completed": 0}},
    {"match": {"model": "acme/run", "input": {"file": 1}}, "response": {"file": "cat.jpg"}, "queue": {"completed": 0}},
    {"match": {"model": "acme/run", "input": {"stream": 1}}, "stream": [{"json": 1}, {"json": 2}]},
    # Tokens as fal might give them out: the first ones have expired.
    *(
        {
            "match": {
                "method": "POST",
                "host": "rest.fal.ai",
                "path": "/tokens/",
                "input": {"allowed_apps": [app]},
            },
            "response": {"json": text},
        }
        for app in STALE
        for text in (EXPIRED, LASTING)
    ),
    *({"match": {"model": f"acme/{app}"}, "realtime": [{"msgpack": LAST}]} for app in STALE),
]


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = write_fixtures(tmp_path_factory.mktemp("sockets") / "fixtures", *FIXTURES)
    assets = folder / "_assets"
    assets.mkdir()
    (assets / "cat.jpg").write_bytes(IMAGE)
    (assets / "mask.bin").write_bytes(MASK)
    (assets / "noise.bin").write_bytes(b"\xc1\xff")
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=folder) as mock:
        yield mock
        assert "Traceback" not in mock.output
        assert "server connect " not in mock.output.replace("server connect 127.0.0.1:", "")


@pytest.fixture(scope="module")
def python(mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / "sockets.py", mock) as app:
        yield app


@pytest.fixture(scope="module")
def js(mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / "sockets.mjs", mock) as app:
        yield app


def asked_and_heard(message: object, answers: int) -> list[list[object]]:
    """Steps of a Python program: send, and receive so often."""
    return [["send", message], *([["receive"]] * answers)]


REALTIME = ["realtime", "realtime_async"]
WS_CONNECT = ["ws_connect", "ws_connect_async"]
DRAWN = {"images": [{"content": in_json(IMAGE)}], "seed": 2**40, "scale": 0.5}


# what clients send, and what comes of it


@pytest.mark.parametrize("act", REALTIME)
@pytest.mark.parametrize("use_jwt", [True, False])
def test_python_realtime(python: App, act: str, *, use_jwt: bool) -> None:
    steps = asked_and_heard(CAT | {"mask": in_json(MASK)}, 1) + asked_and_heard(CAT | {"seed": 2**63}, 1)
    assert python(act, app="acme/draw", steps=steps, use_jwt=use_jwt) == [DRAWN, {"plain": True}]


def test_js_realtime(js: App, mock: Mitmdump) -> None:
    steps = [["send", CAT | {"mask": in_json(MASK)}], ["seen", 1], ["send", CAT], ["seen", 2]]
    seen = js("realtime", app="acme/draw", steps=steps)
    assert seen["seen"] == [{"result": DRAWN}, {"result": {"plain": True}}]
    assert (seen["opened"], seen["closes"]) == (1, [])
    assert "POST https://rest.fal.ai/tokens/" in mock.output


def test_js_client_that_sends_text(js: App) -> None:
    steps = [["send", CAT], ["seen", 1], ["send", CAT], ["seen", 2]]
    seen = js("realtime", app="acme/draw", steps=steps, asText=True)
    assert seen["seen"] == [{"result": {"plain": True}}] * 2


@pytest.mark.parametrize("path", ["acme/draw/realtime", "acme/draw/ws"])
def test_json_text_as_swift_sends_it(python: App, path: str) -> None:
    # Swift offers no extensions; its older apps are at /ws, which is a socket of the app's own to falmock.
    answer = python("raw", url=f"wss://fal.run/{path}", steps=asked_and_heard(json.dumps(CAT), 1), deflate=False)
    assert answer["extensions"] == []
    if path.endswith("/realtime"):
        plain = base64.b64decode(answer["seen"][0]["$bytes"])
        assert plain == b"\x81\xa5plain\xc3"
    else:
        assert json.loads(answer["seen"][0])["error"] == "MISS"


@pytest.mark.parametrize("act", REALTIME)
def test_python_gets_an_ordinary_answer_as_a_result(python: App, act: str) -> None:
    assert python(act, app="acme/ordinary", steps=asked_and_heard(CAT, 1)) == [{"seed": 7, "scale": 1.0}]


def test_js_gets_an_ordinary_answer_as_a_result(js: App) -> None:
    seen = js("realtime", app="acme/ordinary", steps=[["send", CAT], ["seen", 1]])
    assert seen["seen"] == [{"result": {"seed": 7, "scale": 1}}]


@pytest.mark.parametrize("act", REALTIME)
def test_python_is_greeted(python: App, act: str) -> None:
    assert python(act, app="acme/greets", steps=[["receive"], ["send", CAT]]) == [{"hello": "é"}]


# client reactions: both columns of the table in PROTOCOL.md section 5.3

RAISED = {"raised": "RealtimeError", "message": "OVERHEATED: too hot"}
PYTHON: dict[str, list[Any]] = {
    "a map": [{"n": 1}, LAST],
    "other JSON": [{"n": 1}, LAST],
    "a message about it": [LAST],
    "a timeout": [{"raised": "RealtimeError", "message": "TIMEOUT: no inputs"}, LAST],
    "an error": [RAISED, LAST],
    "an error in binary": [ERROR, LAST],
    "not authorized": [{"status": "error", "error": "Unauthorized"}, LAST],
    "another status error": [{"status": "error", "error": "Other"}, LAST],
    "no JSON": [{"type": "text", "payload": "hello"}, LAST],
}
OVERHEATED = {"raised": "ApiError", "message": "OVERHEATED: too hot", "status": 400}
JS: dict[str, list[Any]] = {
    "a map": [{"result": {"n": 1}}],
    "other JSON": [{"result": {"n": 1}}],
    "a message about it": [],
    "a timeout": [],
    "an error": [OVERHEATED],
    "an error in binary": [OVERHEATED],
    "not authorized": [],
    "another status error": [],
    "no JSON": [{"raised": "ApiError", "message": None, "status": 400}],
}


def test_every_row_is_looked_at() -> None:
    assert list(PYTHON) == list(JS) == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("act", REALTIME)
def test_what_python_makes_of(python: App, act: str, row: str) -> None:
    expected = PYTHON[row]
    assert python(act, app="acme/rows", steps=asked_and_heard({"row": row}, len(expected))) == expected


@pytest.mark.parametrize("row", ROWS)
def test_what_js_makes_of(js: App, row: str) -> None:
    expected = [*JS[row], {"result": LAST}]
    seen = js("realtime", app="acme/rows", steps=[["send", {"row": row}], ["seen", len(expected)]])["seen"]
    if row == "no JSON":
        assert "is not valid JSON" in seen[0].pop("message")
        expected = [{"raised": "ApiError", "status": 400}, *expected[1:]]
    assert seen == expected


@pytest.mark.parametrize("act", REALTIME)
@pytest.mark.parametrize(
    ("code", "end"),
    [
        (1000, None),
        (
            4001,
            {
                "raised": "RealtimeError",
                "message": "CONNECTION_CLOSED: received 4001 (private use) bye; then sent 4001 (private use) bye",
            },
        ),
    ],
)
def test_what_python_makes_of_a_close(python: App, act: str, code: int, end: object) -> None:
    assert python(act, app="acme/closes", steps=asked_and_heard({"code": code}, 2)) == [LAST, end]


def test_js_reconnects_after_a_close(js: App) -> None:
    steps = [["send", {"code": 1000}], ["closed", 1], ["send", {"code": 1000}], ["closed", 2]]
    seen = js("realtime", app="acme/closes", steps=steps)
    assert seen["seen"] == [{"result": LAST}] * 2
    assert (seen["opened"], seen["closes"]) == (2, [1000, 1000])


def test_js_tells_of_another_close(js: App) -> None:
    seen = js("realtime", app="acme/closes", steps=[["send", {"code": 4001}], ["closed", 1], ["seen", 2]])
    told = {"raised": "ApiError", "message": "Error closing the connection: bye", "status": 4001}
    assert seen["seen"] == [{"result": LAST}, told]


def test_js_reconnects_after_a_timeout(js: App) -> None:
    # The frame goes with a close, as the runtime has it.
    steps = [["send", {"row": "a timeout"}], ["closed", 1], ["send", {"row": "a map"}], ["seen", 3]]
    seen = js("realtime", app="acme/rows", steps=steps)
    assert seen["seen"] == [{"result": LAST}, {"result": {"n": 1}}, {"result": LAST}]
    assert (seen["opened"], seen["closes"]) == (2, [1000])


# what nothing answers


@pytest.mark.parametrize("act", REALTIME)
def test_python_is_told_what_is_missing_and_goes_on(python: App, act: str) -> None:
    steps = asked_and_heard({"prompt": "a dog"}, 1) + asked_and_heard(CAT, 1)
    missed, result = python(act, app="acme/draw", steps=steps)
    assert missed["raised"] == "RealtimeError"
    assert missed["message"].startswith("MISS: falmock: no fixture answers this call to acme/draw/realtime")
    assert '$.prompt: expected "a cat", found "a dog"' in missed["message"]
    assert result == {"plain": True}


def test_js_is_told_what_is_missing_and_goes_on(js: App, mock: Mitmdump) -> None:
    dog = {"prompt": "a dog by js"}
    steps = [["send", dog], ["seen", 1], ["send", dog], ["seen", 2], ["send", CAT], ["seen", 3]]
    missed, again, result = js("realtime", app="acme/draw", steps=steps)["seen"]
    assert missed == again
    assert (missed["raised"], missed["status"]) == ("ApiError", 400)
    assert missed["message"].startswith("MISS: falmock: no fixture answers this call to acme/draw/realtime")
    assert result == {"result": {"plain": True}}
    mock.wait_for('Asked: MESSAGE {"prompt": "a dog by js"}')
    assert mock.output.count('Asked: MESSAGE {"prompt": "a dog by js"}') == 1, "logged once"


@pytest.mark.parametrize("act", REALTIME)
def test_an_app_that_fails(python: App, act: str) -> None:
    seen = python(act, app="acme/fails", steps=asked_and_heard(CAT, 2))
    assert seen == [{"raised": "RealtimeError", "message": "INTERNAL_ERROR: too bright"}, None]


@pytest.mark.parametrize("act", WS_CONNECT)
def test_bytes_that_are_no_message_end_a_session(python: App, act: str) -> None:
    steps = [["send", in_json(b"\xc1")], ["receive"]]
    (text,) = python(act, app="acme/draw", path="realtime", steps=steps)
    assert json.loads(text) == {
        "type": "x-fal-error",
        "error": "INTERNAL_ERROR",
        "reason": "not a msgpack message: FormatError",
    }


# tokens


@pytest.mark.parametrize("act", REALTIME)
def test_python_with_a_token_that_has_expired(python: App, act: str) -> None:
    app = f"acme/stale-{act}"
    assert python(act, app=app, steps=[["receive"], ["receive"]]) == [
        {"status": "error", "error": "Unauthorized"},
        None,
    ]
    assert python(act, app=app, steps=asked_and_heard(CAT, 1)) == [LAST]


def test_js_gets_another_token_and_reconnects(js: App) -> None:
    steps = [["send", CAT], ["closed", 1], ["send", CAT], ["seen", 1]]
    seen = js("realtime", app="acme/stale-js", steps=steps)
    assert seen == {"seen": [{"result": LAST}], "closes": [1000], "opened": 2, "warned": 2}


def test_a_token_for_another_app(js: App, python: App, mock: Mitmdump) -> None:
    asked = {"allowed_apps": ["other"], "token_expiration": 120}
    trust = ssl.create_default_context(cafile=str(mock.ca))
    with httpx.Client(proxy=mock.proxy, verify=trust, trust_env=False) as client:
        other = client.post("https://rest.fal.ai/tokens/", json=asked, headers={"Authorization": f"Key {KEY}"}).json()
    url = f"wss://fal.run/acme/draw/realtime?fal_jwt_token={other}"
    assert python("raw", url=url, key=False, steps=[["receive"], ["receive"]])["seen"] == REFUSED
    seen = js("realtime", app="acme/draw", token=other, steps=[["send", CAT], ["closed", 1]])
    assert (seen["seen"], seen["closes"], seen["warned"]) == ([], [1000], 0)
    seen = js("realtime", app="acme/other", token=other, steps=[["send", CAT], ["seen", 1]])
    assert seen["seen"][0]["message"].startswith("MISS: ")


# time


def test_python_drops_what_waits_too_long(python: App) -> None:
    steps = [*(["send", {"n": n}] for n in range(8)), *([["receive"]] * 3)]
    assert python("realtime", app="acme/slow", max_buffering=2, steps=steps) == [0, 6, 7]


def test_js_drops_what_waits_too_long(js: App) -> None:
    steps = [["send", {"n": -1}], ["seen", 1], *(["send", {"n": n}] for n in range(8)), ["seen", 4]]
    seen = js("realtime", app="acme/slow", maxBuffering=2, steps=steps)["seen"]
    assert seen == [{"result": {"ready": True}}, *({"result": n} for n in (0, 6, 7))]


# sockets of an app's own


@pytest.mark.parametrize("act", WS_CONNECT)
@pytest.mark.parametrize("use_jwt", [True, False])
def test_ws_connect(python: App, act: str, *, use_jwt: bool) -> None:
    steps = asked_and_heard("hello", 1) + asked_and_heard('{"n": 1}', 1) + asked_and_heard(in_json(b"\xc1\xff"), 1)
    seen = python(act, app="acme/raw/ws", steps=steps, use_jwt=use_jwt)
    assert seen == [CONTENT, '{"n":2}', in_json(MASK)]


def test_ws_connect_to_a_path(python: App) -> None:
    assert python("ws_connect", app="acme/raw", path="/p", steps=asked_and_heard("x", 1)) == ["p"]


@pytest.mark.parametrize("deflate", [True, False])
def test_long_messages_and_a_close(python: App, *, deflate: bool) -> None:
    steps = asked_and_heard(CONTENT, 1) + asked_and_heard("bye", 1)
    answer = python("raw", url="wss://fal.run/acme/raw/ws", steps=steps, deflate=deflate)
    assert answer["extensions"] == (["permessage-deflate"] if deflate else [])
    assert answer["seen"] == [CONTENT, {"closed": 4002, "reason": "é"}]


# runs over a socket


def test_runs(python: App) -> None:
    cat, file, stream, miss = python("runs", app="acme/run", inputs=[CAT, {"file": 1}, {"stream": 1}, {"other": 1}])
    assert (cat["status"], cat["parts"]) == (200, ['{"a":"cat"}'])
    assert cat["headers"]["content-type"] == "application/json"
    assert (file["headers"]["content-type"], file["parts"]) == ("image/jpeg", [in_json(IMAGE)])
    assert stream["parts"] == ["data: 1\n\n", "data: 2\n\n"]
    assert miss["status"] == 404
    assert "no fixture answers this call to acme/run" in json.loads(miss["parts"][0])["detail"]


# with keys asked for


def test_who_may_connect(confdir: Path, tmp_path: Path) -> None:
    fixtures = write_fixtures(tmp_path, {"match": {"model": "acme/draw"}, "realtime": [{"msgpack": LAST}]})
    heard = asked_and_heard("{}", 2)
    with (
        mitmdump(confdir, "--set", "fal_auth=required", fixtures=fixtures) as mock,
        running.app(PROGRAMS / "sockets.py", mock) as python,
        running.app(PROGRAMS / "sockets.mjs", mock) as js,
    ):
        for url in ("wss://fal.run/acme/draw/realtime", f"wss://fal.run/acme/draw/realtime?fal_jwt_token={LASTING}"):
            assert python("raw", url=url, key=False, steps=[["receive"], ["receive"]])["seen"] == REFUSED
        assert python("raw", url="wss://ws.fal.run/acme/draw", key=False, steps=[])["status"] == 401
        assert python("raw", url="wss://fal.run/acme/draw/realtime", steps=heard[:2])["seen"] == [
            in_json(b"\x81\xa4last\xc3")
        ]
        assert python("realtime", app="acme/draw", steps=asked_and_heard(CAT, 1)) == [LAST]
        assert js("realtime", app="acme/draw", steps=[["send", CAT], ["seen", 1]])["seen"] == [{"result": LAST}]


# in a browser


def test_chromium(mock: Mitmdump) -> None:
    browser.require()
    with browser.user(mock) as visit:
        page = visit("sockets.html")["sockets.html"]
    assert (page.failed, page.console, page.unloaded) == (None, [], [])
    assert page.shown["seed"] == 2**40
    assert bytes(page.shown["image"]) == IMAGE
    echo = page.shown["echo"]
    assert "permessage-deflate" in echo.pop("extensions")
    assert echo == {"seen": [CONTENT, CONTENT], "code": 4002, "reason": "é"}
