from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.files import FileUrls
from falmock.recording.response import BuiltResponse
from falmock.recording.response import NotAnAnswer
from falmock.recording.response import ResponseBuilder
from falmock.recording.response import asset_file
from falmock.recording.response import file_value
from falmock.recording.uploads import File
from falmock.wire.formats import jsontext
from falmock.wire.hosts import Hosts
from falmock.wire.message import Content
from falmock.wire.message import content_of
from unit.fixtures.build import VALUES
from unit.fixtures.build import fixture
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import exchange
from unit.recording.exchanges import sha256
from unit.recording.exchanges import uploaded

JSON = {"content-type": "application/json"}


OTHER = "https://replicate.delivery/x/out"


def answered(answer: Any = None, status: int = 200, *uploads: File, **more: Any) -> BuiltResponse:
    """The recorded response of an answer; `uploads` are files that the app uploaded before."""
    files = FileUrls(Hosts())
    for file in uploads:
        files.upload(file)
    observed = exchange("POST https://fal.run/a/b", {}, answer, status, **more)
    return ResponseBuilder(files).of(observed)


def response(answer: Any = None, status: int = 200, **more: Any) -> dict[str, Any]:
    return answered(answer, status, **more).response


# bodies


def test_json_is_kept_as_json() -> None:
    assert response({"images": []}) == {"json": {"images": []}}
    assert response(b"{}", headers={"content-type": "application/json; charset=utf-8"}) == {
        "headers": {"content-type": "application/json; charset=utf-8"},
        "json": {},
    }
    assert response(b"{}", headers={"content-type": "application/problem+json"})["json"] == {}


def test_numbers_and_texts_are_kept_byte_for_byte() -> None:
    body = '{"seed":18446744073709551615,"price":1.10,"big":1e5,"huge":1E400,"zero":-0,"text":"é 猫 \\ud83d"}'
    kept = response(body.encode(), headers=JSON)["json"]
    assert jsontext.dump_exact(kept, indent=None) == body


OTHERWISE = (b'{"a": "$file", "$file": "x"}', b'[{"b": {"$input": "prompt"}}]', b'{"\\u0024now": "iso"}')
"""Answers that would be others if a fixture had them as JSON."""


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 2}', b"{", b"", b"NaN", *OTHERWISE])
def test_json_that_a_fixture_cannot_hold_as_such_is_kept_as_text(body: bytes) -> None:
    assert response(body, headers=JSON) == {"headers": {"content-type": "application/json"}, "text": body.decode()}


def test_text_is_kept_as_text() -> None:
    assert response("Größe\r\n") == {"text": "Größe\r\n"}
    html = {"content-type": "text/html; charset=utf-8"}
    assert response(b"<p>", headers=html) == {"headers": html, "text": "<p>"}
    assert response(None, 204) == {"status": 204, "text": ""}


def test_a_stream_is_kept_as_text() -> None:
    sent = {"content-type": "text/event-stream; charset=utf-8"}
    body = b"data: 1\n\n"
    assert response(body, headers=sent, chunks=((0.0, body),)) == {"headers": sent, "text": "data: 1\n\n"}


def test_text_that_is_none_and_all_else_is_kept_as_a_file() -> None:
    for body, content_type in ((b"\xff", "text/plain"), (b"\xff", "application/json"), (PNG, "image/png"), (PNG, "")):
        kept = answered(body, headers={"content-type": content_type} if content_type else {})
        assert kept.response["file"] == f"sha256:{sha256(body)}"
        assert kept.contents == [(content_of(body), content_type or "application/octet-stream")]
        told = kept.response.get("headers", {}).get("content-type")
        assert told == (None if content_type in ("image/png", "text/plain", "application/json", "") else content_type)


def test_the_type_of_a_file_is_told_where_its_extension_does_not() -> None:
    kept = response(b"\0", headers={"content-type": "image/x-odd"})
    assert kept["headers"] == {"content-type": "image/x-odd"}


def test_a_body_that_passed_through_is_kept_as_a_file() -> None:
    content = Content(sha256(PNG), len(PNG), file="spooled")
    kept = answered(None, headers={"content-type": "image/png"}, received=content)
    assert kept.response == {"file": f"sha256:{sha256(PNG)}"}
    assert kept.contents == [(content, "image/png")]


@given(VALUES)
def test_any_json_is_answered_again_as_it_was(value: Any) -> None:
    body = jsontext.dump_model(value)
    kept = response(body, headers=JSON)
    again = json.loads(jsontext.dump_exact(kept, indent=2))
    assert fixture({}, again).answer.body == body


# files in bodies


def test_files_of_fal_are_noted_by_their_urls() -> None:
    kept = answered({"images": [{"url": f"{CAT}?identity=1"}], "other": "https://a.test/b", "x": "a:b"})
    assert kept.response["json"]["images"][0]["url"].startswith(CAT)
    assert list(kept.urls) == [CAT]
    assert kept.contents == []


def test_what_the_app_uploaded_is_told_by_content() -> None:
    kept = answered({"image": {"url": CAT}}, 200, uploaded(CAT, PNG))
    assert kept.response["json"] == {
        "image": {"url": {"$file": f"sha256:{sha256(PNG)}", "name": "cat.png", "type": "image/png", "uploaded": True}}
    }
    assert kept.urls == {}


def _uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def test_a_long_data_uri_becomes_an_asset() -> None:
    content = PNG * 20
    kept = answered({"image": _uri(content), "small": _uri(b"x")})
    reference = {"$file": f"sha256:{sha256(content)}", "as": "data-uri", "type": "image/png"}
    assert kept.response["json"] == {"image": reference, "small": _uri(b"x")}
    assert kept.contents == [(content_of(content), "image/png")]


@pytest.mark.parametrize("text", ["data:,", "data:text/plain,", "data:nothing", "data:image/png;base64,*"])
def test_a_long_data_uri_that_would_come_out_otherwise_stays(text: str) -> None:
    text += "x" * 2000
    kept = answered({"image": text})
    assert kept.response["json"] == {"image": text}
    assert kept.contents == []


# status and headers


@pytest.mark.parametrize("status", [201, 400, 404, 422, 499, 500, 504])
def test_a_status_other_than_200_is_kept(status: int) -> None:
    assert response({"detail": "no"}, status) == {"status": status, "json": {"detail": "no"}}


@pytest.mark.parametrize("body", [{"a": 1}, "text", b"", b"\xff"])
def test_what_stands_beside_204_was_never_sent(body: Any) -> None:
    recorded = response(body, 204)
    assert (recorded["status"], recorded["text"]) == (204, "")
    assert "json" not in recorded
    assert fixture({"model": "a/b"}, recorded).answer.body == b""


def test_headers_that_matter_are_kept_in_order() -> None:
    headers = JSON | {
        "x-fal-runner-hints": "lora:a",
        "retry-after": "3",
        "content-disposition": "inline",
        "x-fal-error-type": "bad_request",
        "x-fal-request-id": "id-1",
        "x-fal-served-from": "runner",
        "x-fal-cdn-token": "token",
        "x-robots-tag": "noindex",
        "server": "uvicorn",
        "date": "today",
        "set-cookie": "a=b",
        "content-length": "2",
        "strict-transport-security": "max-age=1",
    }
    kept = response({}, 400, headers=headers)["headers"]
    assert list(kept.items()) == [
        ("content-disposition", "inline"),
        ("retry-after", "3"),
        ("x-fal-error-type", "bad_request"),
        ("x-fal-runner-hints", "lora:a"),
    ]


@pytest.mark.parametrize("units", ["1", "1.0", "1.10", "0", "0.0000001", "3.008", "123456789.5"])
def test_units_are_kept_digit_for_digit(units: str) -> None:
    kept = response({}, headers=JSON | {"x-fal-billable-units": units})
    again = json.loads(jsontext.dump_exact({"r": kept}, indent=2), parse_float=str, parse_int=str)["r"]["billableUnits"]
    assert again == units
    assert fixture({}, jsontext.loads_exact(jsontext.dump_exact(kept, indent=2).encode())).answer.units is not None


@pytest.mark.parametrize("units", ["", "one", "-1", "1e5", "01", "NaN", " 1", "1."])
def test_units_that_are_none_are_left_out(units: str) -> None:
    assert response({}, headers=JSON | {"x-fal-billable-units": units}) == {"json": {}}


# what no fixture can answer


@pytest.mark.parametrize("status", [100, 101, 301, 304, 307])
def test_an_answer_that_is_no_models(status: int) -> None:
    with pytest.raises(NotAnAnswer, match=f"status {status}"):
        answered({}, status)


def test_an_answer_that_is_not_all_there() -> None:
    with pytest.raises(NotAnAnswer, match="cut in the middle"):
        answered({}, lost="cut in the middle")


# files on other hosts


@pytest.mark.parametrize(
    ("value", "urls", "links"),
    [
        ({"url": OTHER, "content_type": "image/png"}, [OTHER], []),
        ({"url": OTHER, "file_name": None}, [OTHER], []),
        ({"url": OTHER}, [], [OTHER]),
        ({"url": {"deeper": [OTHER]}, "file_size": 1}, [], [OTHER]),
        ([f"{OTHER}.mp4?sig=1"], [f"{OTHER}.mp4"], []),
        ({"a": CAT, "b": "https://docs.fal.ai/errors#missing", "c": f"see {OTHER}"}, [CAT], []),
    ],
)
def test_which_urls_an_answer_names(value: Any, urls: list[str], links: list[str]) -> None:
    built = answered({"made": value})
    assert (list(built.urls), list(built.links)) == (urls, links)
    assert built.response == {"json": {"made": value}}


# how files are written


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (uploaded(CAT, PNG), {"name": "cat.png"}),
        (uploaded("https://v3.fal.media/files/koala/7CG2M_3H4_x8Uci2ay4LH.png", PNG), {}),
        (
            uploaded("https://v3.fal.media/files/koala/7CG2M_3H4_x8Uci2ay4LH", PNG, "image/x-odd"),
            {"type": "image/x-odd"},
        ),
        (uploaded("https://v3.fal.media/files/a/", PNG, ""), {}),
    ],
)
def test_a_file_in_an_answer_has_the_name_and_type_that_its_digest_does_not_tell(
    file: File, told: dict[str, str]
) -> None:
    assert file_value(file) == {"$file": f"sha256:{file.sha256}", **told}


@given(st.sampled_from(["image/png", "video/mp4", "text/plain; charset=utf-8", "image/x-odd", ""]))
def test_an_assets_name_tells_its_digest(content_type: str) -> None:
    name = asset_file(sha256(PNG), content_type)
    extensions = {"image/png": "png", "video/mp4": "mp4", "text/plain; charset=utf-8": "txt"}
    assert name == f"{sha256(PNG)}.{extensions.get(content_type, 'bin')}"
