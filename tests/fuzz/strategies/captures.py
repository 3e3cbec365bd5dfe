"""HARs and cassettes that are nearly valid."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from fuzz.strategies import json_texts
from fuzz.strategies.mutation import mutated
from fuzz.strategies.texts import TEXTS
from unit.fixtures.build import at
from unit.fixtures.build import replaced
from unit.fixtures.mutate import places

_STARTED = "2025-07-15T22:43:18.000Z"
_URLS = st.sampled_from(
    [
        *("https://fal.run/a/b", "https://queue.fal.run/a/b", "https://queue.fal.run/a/b/requests/id-1"),
        *("https://queue.fal.run/a/b/requests/id-1/status?logs=1", "https://queue.fal.run/a/b/requests/id-1/cancel"),
        *(
            "https://v3.fal.media/files/upload",
            "https://rest.fal.ai/storage/upload/initiate",
            "https://fal.run/a/e/stream",
        ),
        *("wss://fal.run/a/g/realtime", "https://api.fal.ai/v1/models", "https://evil.test/x", "http://[", ""),
    ]
)
_SENT = json_texts.OBJECTS.map(json.dumps) | json_texts.TEXT
_ANSWERED = (
    st.sampled_from(
        [
            *(
                '{"request_id": "id-1", "status": "IN_QUEUE"}',
                '{"status": "COMPLETED", "request_id": "id-1", "logs": []}',
            ),
            *(
                '{"images": [{"url": "https://v3.fal.media/files/a/x.png"}]}',
                '{"access_url": "https://v3.fal.media/files/b/x.png"}',
            ),
            *("data: {}\n\ndata: 1\n\n", "", "[", '{"detail": [{"loc": ["body"], "msg": "m", "type": "missing"}]}'),
        ]
    )
    | json_texts.TEXT
)
_TYPES = st.sampled_from(["application/json", "text/event-stream", "image/png", "text/html; charset=x", ""]) | TEXTS
_STATUSES = st.sampled_from([200, 200, 200, 202, 204, 101, 400, 404, 422, 500, 304, 0, -1, 999])
_MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["send", "receive", "x"]),
            "time": json_texts.NUMBERS,
            "opcode": st.sampled_from([1, 2, 8]),
            "data": TEXTS | st.sampled_from(["gaFhAQ==", '{"a": 1}', "?"]),
        }
    ),
    max_size=3,
)


@st.composite
def _entry(draw: st.DrawFn) -> dict[str, Any]:
    method = draw(st.sampled_from(["POST", "GET", "PUT", "DELETE", "OPTIONS"]))
    content_type = draw(_TYPES)
    return {
        "startedDateTime": _STARTED,
        "time": draw(st.sampled_from([0, 12.5, -1, 1e300])),
        "request": {
            "method": method,
            "url": draw(_URLS),
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "Authorization", "value": "Key a:b"},
            ],
            **({"postData": {"mimeType": "application/json", "text": draw(_SENT)}} if method != "GET" else {}),
        },
        "response": {
            "status": draw(_STATUSES),
            "headers": [{"name": "content-type", "value": content_type}],
            "content": {
                "mimeType": content_type,
                "text": draw(_ANSWERED),
                "size": draw(st.sampled_from([0, 5, 10**9])),
            },
        },
        **({"_webSocketMessages": draw(_MESSAGES)} if draw(st.booleans()) else {}),
    }


@st.composite
def _interaction(draw: st.DrawFn) -> dict[str, Any]:
    entry = draw(_entry())
    posted = entry["request"].get("postData", {}).get("text")
    return {
        "request": {
            "method": entry["request"]["method"],
            "uri": entry["request"]["url"],
            "headers": {"Content-Type": ["application/json"]},
            "body": posted,
        },
        "response": {
            "status": {"code": entry["response"]["status"], "message": "OK"},
            "headers": {"content-type": [entry["response"]["content"]["mimeType"]]},
            "body": {"string": entry["response"]["content"]["text"]},
        },
    }


_HARS = st.lists(_entry(), max_size=4).map(lambda entries: {"log": {"version": "1.2", "entries": entries}})
_CASSETTES = st.lists(_interaction(), max_size=4).map(lambda each: {"version": 1, "interactions": each})


@st.composite
def _changed(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> Any:
    document = draw(documents)
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        place = draw(st.sampled_from(places(document)))
        value = draw(json_texts.SCALARS | st.just([]) | st.just({}) | json_texts.VALUES)
        if draw(st.booleans()) and isinstance(at(document, place), dict):
            value = {**at(document, place), draw(st.sampled_from(["encoding", "_file", "base64_string", "x"])): value}
        document = replaced(document, place, value)
    return document


_YAML = st.sampled_from(
    [
        (
            b"version: 1\ninteractions:\n- request: {body: 1e3, headers: {a: [b]}, method: GET, uri: 'https://fal.run/a/b'}\n"
            b"  response: {body: {string: yes}, headers: {}, status: {code: 200, message: OK}}\n"
        ),
        b"version: 1\ninteractions: &a [*a]\n",
        b"a: &x [1]\nb: [*x, *x]\n",
    ]
)
_WORDS = (
    b"!!python/object:os.system",
    b"&a",
    b"*a",
    b"<<: ",
    b"? ",
    b"---",
    b"!!binary |",
    b"%YAML 9",
    b"- ",
    b"1e999",
)
RAW = (
    _changed(_HARS).map(json.dumps).map(str.encode)
    | _changed(_CASSETTES).map(json.dumps).map(str.encode)
    | mutated(_YAML, _WORDS)
    | mutated(_HARS.map(json.dumps).map(str.encode), (b"null", b"[", b"1e999"), 2)
)
"""The bytes of a capture, or of what resembles one."""
