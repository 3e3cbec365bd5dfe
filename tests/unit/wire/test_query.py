from __future__ import annotations

from typing import Any

import pytest

from falmock.wire.message import Request
from falmock.wire.query import PLATFORM_PARAMETERS
from falmock.wire.query import of_plain_call
from falmock.wire.query import parameters
from falmock.wire.query import plain_input


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", {}),
        ("prompt=a+cat&seed=7", {"prompt": "a cat", "seed": "7"}),
        ("prompt=%C3%A9&empty=&bare", {"prompt": "é", "empty": "", "bare": ""}),
        ("logs=1&fal_webhook=https%3A%2F%2Fa.test%2Fhook", {"logs": "1"}),
    ],
)
def test_the_input_in_a_query(query: str, value: dict[str, str]) -> None:
    assert parameters(query) == value


@pytest.mark.parametrize("name", sorted(PLATFORM_PARAMETERS))
def test_parameters_for_the_platform_are_no_input(name: str) -> None:
    assert parameters(f"{name}=x&a=b") == {"a": "b"}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a=2&b=&a=1&a=", {"a": ["2", "1", ""], "b": ""}),
        ("a[]=1&a[]=2", {"a[]": ["1", "2"]}),
        ("$file=x&%24any=1&%2524=2", {"%24file": "x", "%24any": "1", "%2524": "2"}),
        ("a=%FF&a=%C3%A9", {"a": ["\udcff", "é"]}),
    ],
)
def test_every_parameter_is_kept_in_order(query: str, value: dict[str, object]) -> None:
    assert parameters(query) == value


def test_a_plain_call_keeps_all_parameters_but_credentials() -> None:
    assert of_plain_call("priority=1&fal_jwt_token=x&logs=1") == {"priority": "1", "logs": "1"}


@pytest.mark.parametrize(
    ("method", "content_type", "body", "takes_files", "value"),
    [
        ("POST", "", b'{"a": 1}', False, {"a": 1}),
        ("POST", "text/plain", b'{"a": 1}', False, {"a": 1}),
        ("POST", "text/plain", b'{"a": 1}', True, None),
        ("PUT", "application/json", b'{"a": 1}', True, {"a": 1}),
        ("GET", "application/json", b'{"a": 1}', False, None),
        ("POST", "application/json", b"[1]", False, None),
        ("POST", "", b"", False, None),
    ],
)
def test_the_input_of_a_plain_call(
    method: str, content_type: str, body: bytes, takes_files: Any, value: object
) -> None:
    request = Request(method, "api.fal.ai", "/x", "", {"content-type": content_type}, body)
    assert plain_input(request, takes_files=takes_files) == value
