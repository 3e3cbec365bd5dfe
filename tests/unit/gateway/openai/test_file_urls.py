from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai import file_urls
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.message import Request

HOSTS = Hosts()
HERE = "127.0.0.1:8080"
FILE = "https://v3b.fal.media/files/b/0a/x_cat.png?a=1"


def asked(path: str = "/", host: str = HERE, **headers: str) -> Request:
    return Request("GET", "127.0.0.1", path, "", {"host": host, **headers}, b"", scope="mine")


def test_out_and_in_again() -> None:
    url = file_urls.to_client(FILE, asked(), HOSTS)
    assert url == "http://127.0.0.1:8080/v1/images/files/v3b.fal.media/files/b/0a/x_cat.png?a=1"
    assert file_urls.to_fal(url) == FILE
    assert file_urls.to_fal([url, FILE, 5]) == [FILE, FILE, 5]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "http://v3b.fal.media/a.png",
        "data:image/png;base64,AAAA",
        "https://fal.run/fal-ai/flux",
        "https://user@v3b.fal.media/a.png",
        "https://storage.googleapis.com/other/a.png",
        "",
    ],
)
def test_what_is_no_file_of_fals_stays(url: str) -> None:
    assert file_urls.to_client(url, asked(), HOSTS) == url


@pytest.mark.parametrize("host", ["", "a b", "x/y", "x@y", "x?"])
def test_an_address_that_is_none_is_not_used(host: str) -> None:
    assert file_urls.to_client(FILE, asked(host=host), HOSTS) == FILE


def test_the_call_behind_a_url() -> None:
    path = f"{file_urls.PREFIX}v3.fal.media/files/a%20b.png"
    call = file_urls.fal_request(asked(path, authorization="Bearer x", cookie="c", range="bytes=0-1"), HOSTS)
    assert call is not None
    assert (call.host, call.path, call.scope) == ("v3.fal.media", "/files/a%20b.png", "mine")
    assert call.headers == {"range": "bytes=0-1"}


@given(
    st.text(st.sampled_from("abc./@:?#%fal.mediv3rungoeps"), max_size=30)
    | st.sampled_from(["fal.run/x", "example.com/x", "api.fal.ai/v1", "v3.fal.media"])
)
def test_nothing_but_a_host_of_files_is_behind_a_url(rest: str) -> None:
    call = file_urls.fal_request(asked(file_urls.PREFIX + rest), HOSTS)
    assert call is None or HOSTS.role(call.host) in (Role.CDN, Role.GCS)


@given(st.text())
def test_any_text_goes_in(text: str) -> None:
    assert file_urls.to_fal(text) == text or text.startswith("http")
