from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import assume
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.endpoint import NAMESPACES
from falmock.wire.endpoint import BadEndpointId
from falmock.wire.endpoint import EndpointId
from falmock.wire.endpoint import parse
from falmock.wire.endpoint import segments_of

NAMES = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.~@:+-]{0,12}", fullmatch=True)


@st.composite
def ids(draw: st.DrawFn) -> EndpointId:
    namespace = draw(st.sampled_from(["", *NAMESPACES]))
    owner, alias = draw(NAMES), draw(NAMES)
    assume(namespace or owner not in NAMESPACES)
    return EndpointId(namespace, owner, alias, "/".join(draw(st.lists(NAMES, max_size=3))))


@given(ids())
def test_what_an_id_is_written_as_is_read_as_that_id(endpoint: EndpointId) -> None:
    assert parse(str(endpoint)) == endpoint


@given(
    ids(), st.sampled_from(["https://fal.run/", "https://queue.fal.run//", "/", "//", ""]), st.sampled_from(["", "/"])
)
def test_outer_slashes_and_hosts_do_not_count(endpoint: EndpointId, before: str, after: str) -> None:
    assert parse(f"{before}{endpoint}{after}") == endpoint


@given(st.from_regex(r"[0-9]{1,12}", fullmatch=True), st.from_regex(r"[a-zA-Z0-9-]{1,12}", fullmatch=True))
def test_a_legacy_id_is_split_at_its_first_dash(digits: str, rest: str) -> None:
    assert parse(f"{digits}-{rest}") == EndpointId("", digits, rest, "")


@given(
    st.text(st.characters())
    | st.lists(st.sampled_from(["a", "/", "..", "%", "%2f", "://", "[", "]", "é"])).map("".join)
)
def test_any_text_is_an_id_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(BadEndpointId):
        endpoint = parse(text)
        assert parse(str(endpoint)) == endpoint
        assert not re.search(r"[\x00-\x20\x7f\\?#\ud800-\udfff]|(^|/)\.\.?(/|$)|//", str(endpoint))


@pytest.mark.parametrize(
    ("text", "namespace", "owner", "alias", "path"),
    [
        ("fal-ai/flux", "", "fal-ai", "flux", ""),
        ("fal-ai/flux/dev", "", "fal-ai", "flux", "dev"),
        ("fal-ai/flux/dev/image-to-image", "", "fal-ai", "flux", "dev/image-to-image"),
        ("workflows/me/mine", "workflows", "me", "mine", ""),
        ("comfy/me/mine/extra", "comfy", "me", "mine", "extra"),
        ("me/workflows/mine", "", "me", "workflows", "mine"),
        ("110602490-fast-sdxl", "", "110602490", "fast-sdxl", ""),
        ("/110602490-fast-sdxl/", "", "110602490", "fast-sdxl", ""),
        ("110602490-fast-sdxl/dev", "", "110602490-fast-sdxl", "dev", ""),
        ("https://fal.run/fal-ai/flux/dev/", "", "fal-ai", "flux", "dev"),
        ("https://queue.fal.run/workflows/me/mine?fal_webhook=x", "workflows", "me", "mine", ""),
        ("fal-ai//flux/", "", "fal-ai", "flux", ""),
        ("fal-ai/fl%75x", "", "fal-ai", "flux", ""),
        ("fal-ai/caf%C3%A9", "", "fal-ai", "café", ""),
    ],
)
def test_ids_as_the_clients_read_them(text: str, namespace: str, owner: str, alias: str, path: str) -> None:
    assert parse(text) == EndpointId(namespace, owner, alias, path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "flux",
        "fal-ai",
        "abc-flux",
        "110602490_flux",
        "workflows",
        "workflows/me",
        "https://fal.run",
        "https://fal.run/flux",
        "https://]/fal-ai/flux",
        "fal-ai/..",
        "../fal-ai/flux",
        "fal-ai/%2e%2e/flux",
        "fal-ai/a%2Fb",
        "fal-ai/a%0d%0ab",
        "fal-ai/a b",
        "fal-ai/a\nb",
        "fal-ai/a\\b",
        "fal-ai/a\ud800",
    ],
)
def test_texts_that_name_no_endpoint(text: str) -> None:
    with pytest.raises(BadEndpointId, match="is not an endpoint id"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "app"),
    [
        ("fal-ai/flux/dev/image-to-image", "fal-ai/flux"),
        ("comfy/me/mine/extra", "comfy/me/mine"),
        ("110602490-fast-sdxl", "110602490/fast-sdxl"),
    ],
)
def test_follow_up_urls_carry_the_app_alone(text: str, app: str) -> None:
    assert parse(text).app == app


def test_segments_are_decoded_after_the_path_is_split() -> None:
    assert segments_of("//a//b%2Fc/%20/") == ["a", "b/c", " "]
