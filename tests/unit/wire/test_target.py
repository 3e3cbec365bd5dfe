from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.target import MAX_LENGTH
from falmock.wire.target import BadTarget
from falmock.wire.target import ProxyTarget
from falmock.wire.target import parse_target

GOOD = {
    "https://fal.run/fal-ai/flux/dev": ProxyTarget("fal.run", "/fal-ai/flux/dev", ""),
    "https://queue.fal.run/fal-ai/flux/requests/1/status?logs=1": ProxyTarget(
        "queue.fal.run", "/fal-ai/flux/requests/1/status", "logs=1"
    ),
    "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3": ProxyTarget(
        "rest.fal.ai", "/storage/upload/initiate", "storage_type=fal-cdn-v3"
    ),
    "HTTPS://Rest.Alpha.Fal.AI/tokens/": ProxyTarget("rest.alpha.fal.ai", "/tokens/", ""),
    "https://fal.ai": ProxyTarget("fal.ai", "/", ""),
    "https://api.fal.ai?a=b": ProxyTarget("api.fal.ai", "/", "a=b"),
    "https://fal.run/x?next=https://evil.com/@a:b?c": ProxyTarget("fal.run", "/x", "next=https://evil.com/@a:b?c"),
    "https://fal.run/https://evil.com/%2e%2e/x": ProxyTarget("fal.run", "/https://evil.com/%2e%2e/x", ""),
    "https://fal.run//evil.com": ProxyTarget("fal.run", "//evil.com", ""),
    "https://a-b.c9.fal.run/": ProxyTarget("a-b.c9.fal.run", "/", ""),
}

NO_URLS = (
    "",
    "fal.run/x",
    "//fal.run/x",
    "/fal-ai/flux",
    "https:fal.run/x",
    "https:/fal.run/x",
    "https//fal.run",
    "://fal.run",
    "1https://fal.run/",
    " https://fal.run/x",
    "https://fal.run/x ",
    "https://fal.run /x",
    "https://fal.run/a b",
    "https://fal.run/x\n",
    "https://fal.run\r\nhost: evil.com",
    "https://fal.run/\tx",
    "https://fal\t.run/",
    "https://fal.run\x00.evil.com/",
    "https://fal.run/\x7f",
    "https://evil.com\\.fal.run/",
    "https://fal.run\\@evil.com/",
    "https:\\\\fal.run\\x",
    "https://fal.run/\\evil.com",
    "https://ｆal.run/",  # noqa: RUF001
    "https://fal。run/",
    "https://evil.com／.fal.run/",  # noqa: RUF001
    "https://fаl.run/",  # noqa: RUF001
    "https://fal.run/é",
    "https://faſ.run/",  # noqa: RUF001
    "https://fal\u00ad.run/",
    "https://fal.run\u2028/",
    "https://fal.run/" + "x" * MAX_LENGTH,
)
"""Texts that are not URLs, or that another parser might read in another way."""

NOT_FALS = (
    f"https://{'a' * 64}.fal.run/x",
    f"https://{'a.' * 124}fal.run/x",
    "https://xn--fal-.run/x",
    "https://a..fal.run/x",
    "https://.fal.run/x",
    "http://fal.run/x",
    "ftp://fal.run/x",
    "file://fal.run/etc/passwd",
    "gopher://fal.run/x",
    "ws://fal.run/x",
    "wss://fal.run/x/realtime",
    "javascript://fal.run/%0aalert(1)",
    "https+unix://fal.run/x",
    "https://",
    "https:///fal.run/x",
    "https://?fal.run",
    "https://#fal.run",
    "https://evil.com/",
    "https://evil.com/fal.run",
    "https://evil.com?.fal.run",
    "https://evil.com#.fal.run",
    "https://evil.com/.fal.ai/",
    "https://evilfal.run/x",
    "https://evil-fal.ai/x",
    "https://fal.run.evil.com/x",
    "https://fal.ai.evil.com/x",
    "https://fal.runn/x",
    "https://fal.ru/x",
    "https://fal.media/x",
    "https://v3b.fal.media/files/x",
    "https://falrun.com/x",
    "https://falxrun/x",
    "https://run/x",
    "https://ai/x",
    "https://.fal.run/x",
    "https://evil.com..fal.run/x",
    "https://fal..run/x",
    "https://fal.run./x",
    "https://fal.run../x",
    "https://-.fal.run/x",
    "https://-a.fal.run/x",
    "https://a_b.fal.run/x",
    "https://*.fal.run/x",
    "https://fal.run:443/x",
    "https://fal.run:80/x",
    "https://fal.run:8080/x",
    "https://fal.run:/x",
    "https://fal.run:0/x",
    "https://fal.run:evil.com/x",
    "https://evil.com:443.fal.run/x",
    "https://user@fal.run/x",
    "https://user:password@fal.run/x",
    "https://@fal.run/x",
    "https://:@fal.run/x",
    "https://fal.run@evil.com/x",
    "https://fal.run:443@evil.com/x",
    "https://evil.com@fal.run@evil.com/x",
    "https://fal.run%40evil.com/x",
    "https://evil.com%2f.fal.run/x",
    "https://evil.com%23.fal.run/x",
    "https://evil.com%00.fal.run/x",
    "https://%66al.run/x",
    "https://fal%2erun/x",
    "https://127.0.0.1/x",
    "https://127.1/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/fal.run",
    "https://[fal.run]/x",
    "https://localhost/x",
    "https://metadata.google.internal/x",
    "https://xn--fal-.run/x",
    "https://fal.run;evil.com/x",
    "https://fal.run,evil.com/x",
    "https://evil.com&fal.run/x",
    "https://evil.com;.fal.run/x",
    "https://evil.com'.fal.run/x",
    "https://evil.com|.fal.run/x",
    "https://{fal.run}/x",
    "https://fal.run/x#fragment",
    "https://fal.run#@evil.com/",
)
"""URLs that do not name only a host of fal's."""


@pytest.mark.parametrize("text", GOOD)
def test_what_is_fals(text: str) -> None:
    assert parse_target(text) == GOOD[text]


@pytest.mark.parametrize("text", NO_URLS, ids=ascii)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(BadTarget, match="expected") as caught:
        parse_target(text)
    assert not caught.value.is_url


@pytest.mark.parametrize("text", NOT_FALS)
def test_what_is_not_fals(text: str) -> None:
    with pytest.raises(BadTarget, match="expected") as caught:
        parse_target(text)
    assert caught.value.is_url


@pytest.mark.parametrize("text", [text for text in NOT_FALS if not text.startswith(("http://", "https://"))])
def test_no_other_scheme_where_http_will_do(text: str) -> None:
    with pytest.raises(BadTarget):
        parse_target(text, ("https", "http"))


def test_http_where_it_will_do() -> None:
    assert parse_target("http://fal.run/x", ("https", "http")) == ProxyTarget("fal.run", "/x", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nowhere", "an absolute URL such as https://fal.run/fal-ai/flux/dev"),
        ("https://fal.run/ x", "a URL of printable ASCII without spaces and backslashes"),
        ("https://me@fal.run/", "a URL without user name and password"),
        ("https://fal.run:443/", "a host name without a port"),
        ("https://[::1]/", "a host name"),
        ("https://127.0.0.1/", "a host name, found none, an address"),
        ("https://fal.media/", "a host of fal (*.fal.ai or *.fal.run), found fal.media"),
        ("ftp://fal.run/", "https, found a URL of another scheme"),
        ("https://fal.run/#a", "a URL without a fragment"),
    ],
)
def test_it_says_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(BadTarget) as caught:
        parse_target(text)
    assert f"expected {expected}" in str(caught.value)


def test_a_password_is_not_repeated() -> None:
    for text in ("https://me:hidden@fal.run/", "https://me:hid@den@evil.com/", "https://evil.com:hidden/"):
        with pytest.raises(BadTarget) as caught:
            parse_target(text)
        assert "hid" not in str(caught.value)


_TRICKS = st.sampled_from(
    ["fal.run", "fal.ai", "evil.com", ".", "@", ":", "/", "?", "#", "\\", "%2e", "%40", "[", "]", "443", "-", "_", "a", "é", " ", "\n"]
)  # fmt: skip
_URLS = st.builds("".join, st.tuples(st.sampled_from(["https://", "HTTPS://", "https:", "http://", ""]), st.lists(_TRICKS).map("".join)))  # fmt: skip


@given(
    st.one_of(_URLS, st.text(), st.text().map("https://{}.fal.run/".format), st.text().map("https://fal.run{}".format))
)
@example("https://fal.run/a/b?c")
def test_nothing_but_fals_hosts_ever_passes(text: str) -> None:
    try:
        found = parse_target(text)
    except BadTarget:
        return
    assert found.host in ("fal.run", "fal.ai") or found.host.endswith((".fal.run", ".fal.ai"))
    # Other parsers read the same in it.
    split = urlsplit(text)
    assert (split.scheme, split.hostname, split.port, split.username) == ("https", found.host, None, None)
    assert (split.path or "/", split.query) == (found.path, found.query)
