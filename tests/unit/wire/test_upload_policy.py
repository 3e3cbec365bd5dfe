from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.upload_policy import problem

URL = "https://bucket.s3.amazonaws.com"
FIELDS = {"key": "a/${filename}", "policy": "e30=", "x-amz-meta": ["a", 1, None]}


def policy(**changed: Any) -> str:
    return json.dumps({"url": URL, "fields": FIELDS, **changed})


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}/",
        "https://s3.eu-west-1.amazonaws.com/bucket",
        "https://bucket.s3-accelerate.amazonaws.com:443",
        "https://b.s3.cn-north-1.amazonaws.com.cn",
    ],
)
def test_a_presigned_post_of_s3(url: str) -> None:
    assert problem(policy(url=url)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "header: not valid JSON"),
        ("{", "header: not valid JSON"),
        ("\udcff", "header: not valid JSON"),
        ("[]", "header: expected a JSON object"),
        ("{}", "header: must contain string 'url'"),
        (policy(url=1), "header: must contain string 'url'"),
        (policy(fields=None), "header: must contain object 'fields'"),
        (policy(url="http://bucket.s3.amazonaws.com"), "'url': must be an HTTPS S3 upload URL"),
        (policy(url="https://bucket.example.com"), "'url': must be an HTTPS S3 upload URL"),
        (policy(url=f"{URL}:8443"), "'url': must be an HTTPS S3 upload URL"),
        (policy(url="https://[x"), "'url': could not be parsed"),
        (policy(url=f"{URL}:x"), "'url': could not be parsed"),
        (policy(fields={}), "header: fields.key must contain '${filename}'"),
        (policy(fields={"key": "a"}), "header: fields.key must contain '${filename}'"),
        (policy(fields={"key": ["${filename}"]}), "header: fields.'key' must be a string"),
        (policy(fields=FIELDS | {"Content-Type": 1}), "header: fields.'Content-Type' must be a string"),
        (policy(fields=FIELDS | {"x": {}}), "header: fields.'x' must be a string"),
        (policy(fields=FIELDS | {"x": [[]]}), "header: fields.'x' must not contain nested values"),
        (policy(fields={"key": "/${filename}"}), "header: fields.key must not start with '/'"),
        (policy(fields={"key": "a/../${filename}"}), "header: fields.key must not start with '/'"),
    ],
)
def test_what_the_runtime_says_of_others(text: str, said: str) -> None:
    found = problem(text)
    assert found is not None
    assert found.startswith(f"Invalid x-app-fal-upload-policy {said}")


@given(st.text())
def test_any_text_is_good_or_has_a_problem(text: str) -> None:
    found = problem(text)
    assert found is None or found.startswith("Invalid x-app-fal-upload-policy")
