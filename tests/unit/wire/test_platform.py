from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import platform

IDS = st.lists(st.text(min_size=1, max_size=6).filter(lambda text: text.isprintable()), unique=True, max_size=30)


@pytest.mark.parametrize(
    ("method", "host", "path", "call"),
    [
        ("GET", "api.fal.ai", "/v1/models", platform.Models()),
        ("GET", "api.fal.ai", "/v1/models/", platform.Models()),
        ("GET", "api.fal.ai", "/v1/models/pricing", platform.Pricing()),
        ("POST", "api.fal.ai", "/v1/models/pricing/estimate", platform.Estimate()),
        ("GET", "api.fal.ai", "/v1/meta", platform.Meta()),
        ("GET", "fal.ai", "/api/openapi/queue/openapi.json", platform.Document()),
        ("DELETE", "api.fal.ai", "/v1/models/requests/abc/payloads", platform.DropPayloads("abc")),
        ("POST", "api.fal.ai", "/v1/models", None),
        ("GET", "fal.ai", "/v1/models", None),
        ("GET", "api.fal.ai", "/v1/models/usage", None),
        ("GET", "api.fal.ai", "/v1/models/requests/abc/payloads", None),
        ("DELETE", "fal.ai", "/v1/models/requests/abc/payloads", None),
        ("DELETE", "api.fal.ai", "/v1/models/requests/a/b/payloads", None),
    ],
)
def test_which_call_it_is(method: str, host: str, path: str, call: platform.Call | None) -> None:
    found = platform.call_of(method, host, path)
    assert (type(found), found) == (type(call), call)


def test_several_values_stand_by_themselves_or_in_one() -> None:
    asked = platform.wanted("endpoint_id=a/b,c/d&endpoint_id=c%2Fd&endpoint_id=+e/f,&expand=openapi-3.0&q=Flux+DEV")
    assert asked.ids == ("a/b", "c/d", "e/f")
    assert asked.words == ("flux", "dev")
    assert asked.expand == {"openapi-3.0"}
    assert platform.wanted("").limit == platform.DEFAULT_LIMIT
    assert platform.wanted("limit=99999999999999").limit == platform.MAX_LIMIT


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", "limit: expected a whole number of at least 1, found '0'"),
        ("limit=000", "limit: expected a whole number of at least 1, found '000'"),
        ("limit=-3", "limit: expected"),
        ("limit=%C2%B2", "limit: expected"),
        ("limit=2.5", "limit: expected"),
        ("cursor=%C3%A9", "cursor: expected the next_cursor of an answer, found 'é'"),
        ("cursor=YR", "cursor: expected"),
        ("status=old", "status: expected active or deprecated, found 'old'"),
        ("expand=prices", "expand: expected openapi-3.0 or enterprise_status, found 'prices'"),
        (
            "endpoint_id=" + ",".join(f"a/{n}" for n in range(51)),
            "endpoint_id: expected at most 50 endpoint ids, found 51",
        ),
        ("&".join("a=b" for _ in range(1001)), "expected at most 1000 parameters"),
    ],
)
def test_what_is_refused(query: str, told: str) -> None:
    with pytest.raises(platform.BadQuery) as caught:
        platform.wanted(query)
    assert str(caught.value).startswith(told)


def test_an_endpoint_id_must_be_named() -> None:
    assert platform.wanted_ids("endpoint_id=a/b") == ("a/b",)
    for query in ("", "endpoint_id=", "endpoint_id=,"):
        with pytest.raises(platform.BadQuery, match="expected one endpoint id or more, found none"):
            platform.wanted_ids(query)


@given(IDS, st.integers(1, 40))
def test_the_pages_are_the_list(ids: list[str], limit: int) -> None:
    ids.sort()
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = platform.page(ids, limit, platform.from_cursor(cursor))
        assert len(page.ids) == limit or page.next_cursor is None
        assert page.ids or not ids, "there was no more"
        seen += page.ids
        assert len(seen) <= len(ids), "a page that was shown comes again"
        cursor = page.next_cursor
    assert seen == ids


@given(IDS, st.integers(1, 5), IDS)
def test_a_cursor_holds_when_models_come_and_go(ids: list[str], limit: int, others: list[str]) -> None:
    page = platform.page(sorted(ids), limit, "")
    if page.next_cursor is not None:
        rest = platform.page(sorted(others), 100, platform.from_cursor(page.next_cursor))
        assert all(name > page.ids[-1] for name in rest.ids)
        assert {name for name in others if name > page.ids[-1]} == set(rest.ids)


@given(st.text(max_size=20))
def test_a_cursor_is_read_or_refused(text: str) -> None:
    assert platform.from_cursor(platform.to_cursor(text)) == text
    try:
        name = platform.from_cursor(text)
    except platform.BadQuery:
        return
    assert platform.to_cursor(name) == text


def test_where_the_document_of_an_endpoint_is() -> None:
    target = "/api/openapi/queue/openapi.json?endpoint_id=fal-ai/flux/dev%26x"
    assert platform.document_target("fal-ai/flux/dev&x") == target
    path, _, query = target.partition("?")
    assert platform.call_of("GET", platform.SITE, path) == platform.Document()
    assert platform.wanted_ids(query) == ("fal-ai/flux/dev&x",)
