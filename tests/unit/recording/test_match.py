from __future__ import annotations

import base64
import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.volatile import Ignores
from falmock.recording.files import FileUrls
from falmock.recording.match import NAME_BYTES
from falmock.recording.match import NAME_LENGTH
from falmock.recording.match import MatchBuilder
from falmock.recording.match import NotAnInput
from falmock.recording.match import call_name
from falmock.recording.match import input_of
from falmock.recording.match import slug
from falmock.wire import storage
from falmock.wire.formats import jsontext
from falmock.wire.hosts import Hosts
from unit.fixtures.build import INPUTS
from unit.fixtures.build import fixture
from unit.fixtures.build import found
from unit.fixtures.build import index
from unit.fixtures.build import query
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import exchange
from unit.recording.exchanges import sha256
from unit.recording.exchanges import uploaded

SEED = 15738016505585340234
REFERENCE = {"$file": f"sha256:{sha256(PNG)}", "type": "image/png", "size": 72}


class Reading:
    """Builds matches, with the files and rules of a test."""

    def __init__(self, *ignore: str) -> None:
        self.files = FileUrls(Hosts())
        self.matches = MatchBuilder(self.files, Ignores(map(parse_ignore, ignore)))

    def match(self, sent: Any, line: str = "POST https://fal.run/a/b", endpoint: str = "a/b") -> dict[str, Any]:
        return self.matches.of_endpoint(exchange(line, sent).request, endpoint)

    def input(self, sent: Any) -> Any:
        return self.match(sent)["input"]


# inputs


@pytest.mark.parametrize(
    "form", ["data:image/png;base64,{}", "DATA:image/png;base64,{}", " data:image/png;base64,{}\n"]
)
@pytest.mark.parametrize("end", ["", "\r\n", "%0A"])
def test_a_data_uri_in_any_form_is_the_file(form: str, end: str) -> None:
    encoded = base64.b64encode(PNG).decode()
    uri = form.format(end.join(encoded[at : at + 60] for at in range(0, len(encoded), 60)))
    assert Reading().input({"image_url": uri}) == {"image_url": REFERENCE}
    assert found(index({"model": "a/b", "input": {"image_url": REFERENCE}}), query({"image_url": uri})) is not None


def test_the_match_of_a_call_is_its_exact_input() -> None:
    assert Reading().match({"prompt": "a cat", "seed": SEED}) == {
        "model": "a/b",
        "input": {"prompt": "a cat", "seed": SEED},
        "exact": True,
    }


def test_numbers_are_kept_as_they_were_sent() -> None:
    sent = b'{"seed":18446744073709551615,"scale":1.10,"big":1e5,"zero":-0,"deep":[0.1]}'
    stated = Reading().input(sent)
    assert jsontext.dump_exact(stated, indent=None).encode() == sent


def test_a_get_is_known_by_its_query_less_what_speaks_to_the_platform() -> None:
    line = "GET https://fal.run/a/b?prompt=a+cat&n=1&fal_webhook=https%3A%2F%2Fa&empty="
    match = Reading().match(None, line)
    assert match == {
        "model": "a/b",
        "method": "GET",
        "input": {"prompt": "a cat", "n": "1", "empty": ""},
        "exact": True,
    }


def test_a_post_without_a_body_is_read_by_its_query() -> None:
    assert input_of(exchange("POST https://fal.run/a/b?n=1").request) == {"n": "1"}
    assert input_of(exchange("POST https://fal.run/a/b").request) == {}
    assert input_of(exchange("POST https://fal.run/a/b?n=1", {"n": 2}).request) == {"n": 2}


@pytest.mark.parametrize("sent", ["{", "[1]", '"text"', "null", '{"a": 1, "a": 2}', "--part", "a=1&b=2"])
def test_a_body_that_is_no_input_matches_as_it_was_sent(sent: str) -> None:
    assert Reading().match(sent.encode()) == {"model": "a/b", "body": sent}


def test_a_body_that_is_no_text_is_a_file() -> None:
    assert Reading().match(PNG) == {"model": "a/b", "body": REFERENCE}


def test_the_fields_of_a_form_match_whatever_the_boundary() -> None:
    def match(boundary: str) -> dict[str, Any]:
        head = f'--{boundary}\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'.encode()
        sent = head + PNG + f"\r\n--{boundary}--\r\n".encode()
        asked = {"content-type": f"multipart/form-data; boundary={boundary}"}
        return Reading().matches.of_endpoint(exchange("POST https://fal.run/a/b", sent, asked=asked).request, "a/b")

    field = {"name": "image", "filename": "a.png", "content": REFERENCE}
    assert match("one") == match("two") == {"model": "a/b", "body": [field]}


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("POST https://fal.run/a/b?x=1&fal_webhook=h&x=2&logs=1", {"x": ["1", "2"]}),
        ("POST https://fal.run/a/b?logs=1&fal_jwt_token=t", None),
        ("POST https://fal.run/a/b", None),
    ],
)
def test_the_query_beside_a_body(line: str, query: Any) -> None:
    beside = {} if query is None else {"query": query}
    assert Reading().match({"n": 1}, line) == {"model": "a/b", **beside, "input": {"n": 1}, "exact": True}


def test_a_plain_call_with_a_bad_json_body_cannot_be_recorded() -> None:
    request = exchange("POST https://api.fal.ai/v1/x", b"{", asked={"content-type": "application/json"}).request
    with pytest.raises(NotAnInput, match="its body is not JSON"):
        Reading().matches.of_plain_call(request, takes_files=False)


def test_an_input_without_end_is_none() -> None:
    sent: Any = 1
    for _ in range(200):
        sent = [sent]
    with pytest.raises(NotAnInput, match="nested more than 100 levels"):
        Reading().match({"a": sent})


def test_a_plain_call_is_known_by_method_host_and_path() -> None:
    request = exchange("GET https://api.fal.ai/v1/models?limit=2").request
    assert Reading().matches.of_plain_call(request, takes_files=False) == {
        "method": "GET",
        "host": "api.fal.ai",
        "path": "/v1/models",
        "input": {"limit": "2"},
        "exact": True,
    }


# files


def test_an_uploaded_file_is_stated_by_its_content() -> None:
    reading = Reading()
    reading.files.upload(uploaded(CAT, PNG))
    assert reading.input({"image_url": f"{CAT}?identity=1", "list": [CAT, "https://a.test/b"]}) == {
        "image_url": REFERENCE,
        "list": [REFERENCE, "https://a.test/b"],
    }


def test_a_data_uri_is_stated_by_its_content() -> None:
    text = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert Reading().input({"image_url": text, "broken": "data:nothing"}) == {
        "image_url": REFERENCE,
        "broken": "data:nothing",
    }


def test_a_url_of_our_own_is_stated_by_its_content() -> None:
    url = storage.content_url(sha256(PNG), "cat.png")
    assert Reading().input({"image_url": url}) == {"image_url": {"$file": f"sha256:{sha256(PNG)}"}}


def test_a_file_that_nobody_uploaded_is_stated_by_its_url() -> None:
    assert Reading().input({"image_url": CAT}) == {"image_url": CAT}


def test_what_would_be_read_as_a_matcher_may_be_anything() -> None:
    assert Reading().input({"a": {"$any": True}, "b": [{"$ref": "x", "c": 1}], "d": {"e": {"$file": "f"}}}) == {
        "a": {"$any": True},
        "b": [{"$any": True}],
        "d": {"e": {"$any": True}},
    }


# what does not count


def test_ignored_paths_are_named_and_left_out() -> None:
    match = Reading("seed", "a/b=extra", "c/d=prompt").match({"prompt": "a cat", "seed": 1, "extra": 2})
    assert match == {"model": "a/b", "input": {"prompt": "a cat"}, "exact": True, "ignore": ["extra", "seed"]}


def test_ignored_parts_of_texts_may_be_anything_of_their_kind() -> None:
    stated = Reading("@uuid").input({"id": "job-0f8fad5b-d9cb-469f-a165-70867728950e."})
    assert re.fullmatch(stated["id"]["$regex"], "job-7c9e6679-7425-40de-944b-e07fc1f90ae7.")
    assert not re.fullmatch(stated["id"]["$regex"], "job-7.")


@given(INPUTS)
def test_what_is_stated_loads_and_meets_the_same_call_again(value: dict[str, Any]) -> None:
    match = Reading().match(value)
    again = json.loads(jsontext.dump_exact(match, indent=2))
    assert fixture(again).match.exact
    assert found(index(again), query(value)) is not None


# names


@pytest.mark.parametrize(
    ("match", "name"),
    [
        ({"model": "a/b", "input": {"prompt": "A Cat, sitting!"}}, "a-cat-sitting"),
        ({"model": "a/b", "input": {"text": "Größe 12"}}, "gr-e-12"),
        ({"model": "a/b", "input": {"prompt": {"$any": True}, "input": "some speech"}}, "some-speech"),
        ({"model": "a/b", "input": {"prompt": "猫"}}, "猫"),
        ({"model": "a/b", "input": {"prompt": "?!"}}, "input"),
        ({"model": "a/b", "input": {"seed": 1}}, "input"),
        ({"method": "GET", "host": "api.fal.ai", "path": "/v1/models", "input": {}}, "get"),
        ({"path": "/v1/models"}, "get"),
    ],
)
def test_calls_are_named_after_what_they_say(match: dict[str, Any], name: str) -> None:
    assert call_name(match) == name


def test_slugs_end_at_a_word_and_a_long_word_is_cut() -> None:
    assert slug("one two " * 20) == "-".join(["one-two"] * 6)
    assert slug("x" * 100) == "x" * NAME_LENGTH


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("一只猫坐在窗台上", "一只猫坐在窗台上"),
        ("一只猫, 2 只狗。", "一只猫-2-只狗"),
        ("قطة على النافذة", "قطة-على-النافذة"),
        ("خَيْل", "خَيْل"),
        ("Кот, СИДИТ!", "кот-сидит"),
        ("एक बिल्ली", "एक-बिल्ली"),
        ("가", "가"),
        ("🐱🌈", "cat-face-rainbow"),
        ("👩\u200d🚀", "woman-rocket"),
        ("猫 🐱", "猫"),
        ("42", "42"),
        ("日本 4k", "4k"),
        ("naïve 猫", "na-ve"),
        ("\ud800\u202e\u200f", ""),
        ("", ""),
    ],
)
def test_a_text_without_latin_letters_is_named_in_its_own(text: str, name: str) -> None:
    assert slug(text) == name
    assert slug(unicodedata.normalize("NFD", text)) == name or "ï" in text


def test_long_words_of_any_letters_fit_into_a_file_name() -> None:
    assert slug("猫" * 500) == "猫" * (NAME_BYTES // 3)
    assert slug("кот " * 100) == "-".join(["кот"] * 8)


@given(st.text())
def test_a_slug_is_a_safe_name(text: str) -> None:
    name = slug(text)
    assert len(name.encode()) <= NAME_BYTES
    assert not re.search(r"^-|-$|--", name)
    assert all(unicodedata.category(char)[0] in "LMN" for char in name.replace("-", ""))
    assert unicodedata.is_normalized("NFC", name)
    if re.search("[a-z]", text.lower()):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert (slug(name), len(name) <= NAME_LENGTH) == (name, True)
