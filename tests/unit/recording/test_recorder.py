from __future__ import annotations

from typing import Any

import pytest

from falmock.recording.outcome import Known
from falmock.recording.outcome import Link
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Save
from falmock.recording.uploads import Sink
from falmock.redaction.redactor import Redactor
from falmock.wire.message import Content
from unit.fixtures.build import decoded
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import entries
from unit.recording.exchanges import exchange
from unit.recording.exchanges import sha256
from unit.recording.exchanges import uploaded
from unit.recording.exchanges import warnings

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e:0123456789abcdef0123456789abcdef"


# runs


def test_a_run_becomes_a_fixture_with_the_time_it_took(observed: ObservedTraffic) -> None:
    observed.run("a/b", {"prompt": "a cat"}, {"n": 1}, took=1.234, headers={"x-fal-request-id": "id-1"})
    assert observed.entry == {
        "match": {"model": "a/b", "input": {"prompt": "a cat"}, "exact": True},
        "response": {"json": {"n": 1}},
        "queue": {"started": 0.0, "completed": 1.23},
        "recorded": {"at": "2025-07-15T22:43:18Z", "requestId": "id-1"},
    }
    assert (observed.save.name, observed.save.about) == ("a-cat", "the run of a/b")
    assert decoded(observed.entry).problems == []


def test_a_get_and_a_failure_are_runs_too(observed: ObservedTraffic) -> None:
    observed.observe("GET https://fal.run/a/b?n=1", None, {"detail": "no"}, 422)
    assert observed.entry["match"] == {"model": "a/b", "method": "GET", "input": {"n": "1"}, "exact": True}
    assert observed.entry["response"] == {"status": 422, "json": {"detail": "no"}}


def test_trouble_is_told_and_not_recorded(observed: ObservedTraffic) -> None:
    observed.run("a/b", {}, {"detail": "Unauthorized"}, 401)
    assert observed.entries == []
    assert observed.warnings == ["the run of a/b is not recorded: it was answered 401 (not authorized)"]
    wanted = ObservedTraffic(errors=True)
    wanted.run("a/b", {}, {"detail": "Unauthorized"}, 401)
    assert wanted.entry["response"]["status"] == 401


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_what_cannot_be_recorded_is_told_with_the_reason(observed: ObservedTraffic) -> None:
    observed.run("a/b", nested(200), {})
    observed.run("a/b", {}, {}, lost="its base64 was cut")
    assert [text.partition(":")[2].split()[:3] for text in observed.warnings] == [
        ["its", "input", "is"],
        ["its", "base64", "was"],
    ]
    assert observed.entries == []


def test_the_handshake_of_a_socket_is_no_fixture() -> None:
    observed = ObservedTraffic()
    upgrade = {"upgrade": "websocket"}
    assert observed.observe("GET https://fal.run/a/b/realtime?fal_jwt_token=x", None, None, 101, asked=upgrade) == []
    observed.observe("GET https://fal.run/a/b/realtime", None, {"detail": "no"}, 403, asked=upgrade)
    observed.observe("GET https://ws.fal.run/a/b", None, {"detail": "no"}, 404, asked={"upgrade": "WebSocket"})
    assert observed.entries == []
    assert observed.warnings == [
        "the socket to https://fal.run/a/b/realtime is not recorded: it was refused (403)",
        "the socket to https://ws.fal.run/a/b is not recorded: it was refused (404)",
    ]


def test_the_keys_of_webhooks_are_not_recorded() -> None:
    observed = ObservedTraffic()
    assert observed.observe("GET https://rest.fal.ai/.well-known/jwks.json", None, {"keys": []}) == []


def test_preflights_and_other_hosts_are_no_calls(observed: ObservedTraffic) -> None:
    assert observed.observe("OPTIONS https://fal.run/a/b", None, b"OK") == []
    assert observed.observe("POST https://example.com/a/b", {}, {}) == []


# secrets


def test_what_a_request_carried_is_hidden_wherever_it_comes_back(observed: ObservedTraffic) -> None:
    asked = {"authorization": f"Key {KEY}", "cookie": "session=c00kie-c00kie", "user-agent": f"app {KEY}"}
    answer = {"echo": f"you are {KEY}", "cookie": "c00kie-c00kie"}
    observed.run("a/b", {"prompt": "a cat", "note": KEY}, answer, asked=asked, headers={"x-fal-note": KEY})
    text = str(observed.entry)
    assert KEY not in text
    assert "c00kie-c00kie" not in text
    assert observed.entry["match"]["input"] == {"prompt": "a cat", "note": {"$any": True}}
    assert decoded(observed.entry).problems == []


@pytest.mark.parametrize(
    ("route", "answer"),
    [
        ("storage/auth/token?storage_type=fal-cdn-v3", {"token": "cdn-0123456789abcdef"}),
        ("tokens/", "cdn-0123456789abcdef"),
        ("tokens/realtime", {"token": "cdn-0123456789abcdef"}),
    ],
)
def test_tokens_are_learned_and_never_recorded(observed: ObservedTraffic, route: str, answer: object) -> None:
    body = answer if isinstance(answer, dict) else f'"{answer}"'.encode()
    observed.observe(f"POST https://rest.fal.ai/{route}", {}, body)
    assert observed.observed == []
    observed.run("a/b", {}, {"told": "with cdn-0123456789abcdef"})
    assert "cdn-0123456789abcdef" not in str(observed.entry)


def test_a_redactor_may_be_shared() -> None:
    redactor = Redactor()
    observed = ObservedTraffic(redactor=redactor)
    observed.run("a/b", {}, {}, asked={"authorization": f"Key {KEY}"})
    assert KEY not in str(redactor.value([KEY]))


# files


def test_an_upload_is_known_and_stands_by_its_content_in_inputs(observed: ObservedTraffic) -> None:
    assert observed.upload(PNG, CAT) == [Known(uploaded(CAT, PNG))]
    observed.run("a/b", {"image_url": CAT}, {})
    assert observed.entry["match"]["input"] == {
        "image_url": {"$file": f"sha256:{sha256(PNG)}", "type": "image/png", "size": len(PNG)}
    }


def test_an_upload_that_failed_is_told(observed: ObservedTraffic) -> None:
    line = "POST https://v3.fal.media/files/upload"
    observed.observe(line, PNG, {"access_url": CAT}, 500)
    observed.observe(
        "POST https://rest.fal.ai/storage/upload/initiate", {}, {"upload_url": "https://up/x", "file_url": CAT}
    )
    observed.observe("PUT https://up/x", PNG, None, 403)
    observed.observe("PUT https://v3.fal.media/files/b/x/multipart/1", PNG, None)
    observed.observe(line, PNG, None, lost="the HAR does not have the body of the answer")
    assert observed.entries == []
    assert [text.partition(" is not recorded: ")[::2] for text in observed.warnings] == [
        (line, "it was answered 500, and in replay falmock takes uploads by itself"),
        ("PUT https://up/x", "it was answered 403, and in replay falmock takes uploads by itself"),
        ("PUT https://v3.fal.media/files/b/x/multipart/1", "the upload that it belongs to began before the recording"),
        (line, "the HAR does not have the body of the answer"),
    ]
    assert observed.observe("PUT https://up/x", PNG) == [Known(uploaded(CAT, PNG, "application/octet-stream"))]


def test_what_is_needed_of_a_body_while_it_passes(observed: ObservedTraffic) -> None:
    sink = observed.recorder.sink
    assert sink("POST", "v3.fal.media", "/files/upload") is Sink.HASH
    assert sink("POST", "fal.run", "/a/b") is Sink.NOTHING
    assert sink("PUT", "up.example", "/x") is Sink.NOTHING
    observed.observe(
        "POST https://rest.fal.ai/storage/upload/initiate", {}, {"upload_url": "https://up.example/x", "file_url": CAT}
    )
    assert sink("PUT", "up.example", "/x") is Sink.HASH
    assert sink("PUT", "up.example", "/x/1") is Sink.SPOOL


def test_a_download_of_what_an_answer_named_is_linked(observed: ObservedTraffic) -> None:
    observed.run("a/b", {}, {"image": {"url": f"{CAT}?identity=1"}})
    assert observed.save.urls == {CAT: f"{CAT}?identity=1"}
    (link,) = observed.download(f"{CAT}?identity=1", PNG)
    assert isinstance(link, Link)
    assert (link.url, link.content.sha256, link.content_type) == (CAT, sha256(PNG), "image/png")


def test_a_download_of_what_the_app_uploaded_is_not_worth_keeping(observed: ObservedTraffic) -> None:
    observed.upload(PNG, CAT)
    assert observed.download(CAT, PNG) == []


def test_a_download_of_what_nobody_named_is_a_fixture_of_its_own(observed: ObservedTraffic) -> None:
    observed.download(CAT, PNG)
    assert observed.entry["match"] == {
        "method": "GET",
        "host": "v3b.fal.media",
        "path": CAT.removeprefix("https://v3b.fal.media"),
        "input": {},
        "exact": True,
    }
    assert observed.entry["response"] == {"file": f"sha256:{sha256(PNG)}"}
    assert [content.data for content, _ in observed.save.contents] == [PNG]


@pytest.mark.parametrize(
    ("told", "whole"),
    [
        ("bytes 0-71/72", True),
        ("bytes 0-70/72", False),
        ("bytes 1-71/72", False),
        ("bytes 0-71/*", False),
        ("bytes */72", False),
        ("", False),
    ],
)
def test_players_ask_for_the_whole_as_a_range(observed: ObservedTraffic, told: str, *, whole: bool) -> None:
    observed.run("a/b", {}, {"image": {"url": CAT}})
    headers = {"content-type": "image/png", "content-range": told}
    outcomes = observed.observe(f"GET {CAT}", None, PNG, 206, headers=headers)
    assert len(outcomes) == whole


def test_a_download_that_is_not_all_there_is_told(observed: ObservedTraffic) -> None:
    observed.run("a/b", {}, {"image": {"url": CAT}})
    observed.note(exchange(f"GET {CAT}", None, None, lost="its base64 was cut"))
    assert observed.warnings == [f"GET {CAT}, a file, is not recorded: its base64 was cut"]
    assert observed.links == []


def test_a_body_that_passed_through_is_linked_by_its_file(observed: ObservedTraffic) -> None:
    observed.run("a/b", {}, {"image": {"url": CAT}})
    content = Content(sha256(PNG), len(PNG), file="spooled")
    observed.note(exchange(f"GET {CAT}", headers={"content-type": "image/png"}, received=content))
    assert [link.content for link in observed.links] == [content]


def test_of_an_upload_whose_bytes_are_lost_the_start_is_kept(observed: ObservedTraffic) -> None:
    announced = {"content_type": "image/png", "file_name": "cat.png"}
    promised = {"upload_url": "https://up.example/x?signature=abcdef0123456789", "file_url": CAT}
    observed.observe("POST https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", announced, promised)
    outcomes = observed.observe(
        "PUT https://up.example/x?signature=abcdef0123456789", None, None, lost="the HAR has it not"
    )
    assert [entry["match"]["path"] for entry in entries(outcomes)] == ["/storage/upload/initiate"]
    # In replay its content must not leave for a host that is not fal's.
    assert entries(outcomes)[0]["response"]["json"] == {"upload_url": CAT, "file_url": CAT}
    (text,) = warnings(outcomes)
    assert "https://up.example/x is unknown (the HAR has it not)" in text
    assert "abcdef0123456789" not in str(entries(outcomes))
    assert decoded(*entries(outcomes)).problems == []
    observed.run("a/b", {"image_url": CAT}, {})
    assert observed.entries[-1]["match"]["input"] == {"image_url": CAT}


def test_the_name_that_the_js_client_makes_of_the_time_is_any_time(observed: ObservedTraffic) -> None:
    announced = {"content_type": "image/png", "file_name": "1764316800123.png"}
    start = "POST https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3"
    observed.observe(start, announced, {"upload_url": f"{CAT}?signature=x", "file_url": CAT})
    outcomes = observed.observe(f"PUT {CAT}?signature=x", None, None, lost="the HAR has it not")
    (kept,) = entries(outcomes)
    assert kept["match"]["input"] == {"content_type": "image/png", "file_name": {"$regex": r"^[0-9]{13}\.png$"}}
    assert decoded(kept).problems == []


def test_of_a_whole_upload_whose_bytes_are_lost_the_answer_is_kept(observed: ObservedTraffic) -> None:
    line = "POST https://v3.fal.media/files/upload"
    outcomes = observed.note(exchange(line, b"", {"access_url": CAT}, lost="it was cut"))
    (kept,) = entries(outcomes)
    assert kept["match"] == {"method": "POST", "host": "v3.fal.media", "path": "/files/upload"}
    assert kept["response"] == {"json": {"access_url": CAT}}
    assert "in replay it is what the app uploads" in warnings(outcomes)[0]


FOREIGN = "https://storage.googleapis.com/others/abc/out.png"


def test_a_file_on_another_host_is_linked_if_an_answer_names_it(observed: ObservedTraffic) -> None:
    got = exchange(f"GET {FOREIGN}?X-Goog-Signature=1", None, PNG, headers={"content-type": "image/png"})
    assert observed.note(got) == []
    observed.run("a/b", {}, {"link": f"{FOREIGN}?X-Goog-Signature=1"})
    observed.note(got)
    assert [(link.url, link.content.sha256) for link in observed.links] == [(FOREIGN, sha256(PNG))]
    assert observed.recorder.expects("GET", FOREIGN)
    assert not observed.recorder.expects("POST", FOREIGN)
    assert not observed.recorder.expects("GET", f"{FOREIGN}x")


@pytest.mark.parametrize(
    ("answer", "fetched"),
    [
        ({"image": {"url": "https://replicate.delivery/x/out", "content_type": "image/png"}}, True),
        ({"files": ["https://replicate.delivery/x/out.mp4"]}, True),
        ({"output": "https://replicate.delivery/x/out"}, False),
        ({"url": "https://example.com/page"}, False),
    ],
)
def test_which_files_on_other_hosts_are_fetched_at_the_end(
    observed: ObservedTraffic, answer: Any, *, fetched: bool
) -> None:
    (saved,) = [each for each in observed.run("a/b", {}, answer) if isinstance(each, Save)]
    assert (len(saved.urls), len(saved.links)) == (fetched, not fetched)


def test_the_apps_own_url_stays_as_it_is(observed: ObservedTraffic) -> None:
    (saved,) = [
        each for each in observed.run("a/b", {"image_url": FOREIGN}, {"from": FOREIGN}) if isinstance(each, Save)
    ]
    assert (saved.urls, saved.links) == ({}, frozenset())


def test_a_file_that_is_at_another_location_is_that_of_the_answer(observed: ObservedTraffic) -> None:
    observed.run("a/b", {}, {"image": {"url": CAT}})
    observed.observe(f"GET {CAT}", None, None, 302, headers={"location": f"{FOREIGN}?sig=1"})
    observed.observe(f"GET {FOREIGN}?sig=1", None, PNG)
    assert [(link.url, link.content.sha256) for link in observed.links] == [(CAT, sha256(PNG))]


def test_the_url_that_an_upload_had_is_kept_beside_its_content(observed: ObservedTraffic) -> None:
    observed.observe("POST https://v3.fal.media/files/upload", PNG, {"access_url": CAT})
    observed.run("a/b", {"image_url": CAT}, {})
    assert observed.entry["recorded"]["urls"] == {CAT: f"sha256:{sha256(PNG)}"}


def test_the_providers_of_a_model_are_kept_for_any_client(observed: ObservedTraffic) -> None:
    url = "https://huggingface.co/api/models/a/b?expand[]=inferenceProviderMapping"
    mapping = {"id": "a/b", "inferenceProviderMapping": {"fal-ai": {"providerId": "fal-ai/b"}}}
    observed.observe(f"GET {url}", None, mapping)
    assert observed.entry["match"] == {"method": "GET", "host": "huggingface.co", "path": "/api/models/a/b"}
    assert observed.entry["response"] == {"json": mapping}
    for answer, status in (({"inferenceProviderMapping": {"other": {}}}, 200), ({"error": '"fal-ai"'}, 404)):
        (outcome,) = observed.observe(f"GET {url}", None, answer, status)
        assert isinstance(outcome, NotRecorded)
        assert outcome.why == "it names no endpoint of fal's"


# everything else


@pytest.mark.parametrize("url", ["https://api.fal.ai/v1/models?limit=2", "https://fal.ai/api/models"])
def test_other_calls_to_fal_are_kept_as_plain_http(observed: ObservedTraffic, url: str) -> None:
    observed.observe(f"GET {url}", None, {"models": []})
    assert (
        observed.entry["match"]["path"]
        == url.partition("?")[0].removeprefix("https://").partition("/")[2].join("/ ").strip()
    )
    assert "queue" not in observed.entry
    assert decoded(observed.entry).problems == []


@pytest.mark.parametrize(
    "url",
    [
        "https://api.fal.ai/v1/keys",
        "https://fal.ai/dashboard",
        "https://auth.fal.ai/oauth",
        "https://rest.fal.ai/.well-known/jwks.json",
    ],
)
def test_pages_and_credentials_are_not_kept(observed: ObservedTraffic, url: str) -> None:
    observed.observe(f"GET {url}", None, {"key": "value"})
    assert observed.entries == []


def test_the_call_that_was_made_first_is_known_by_its_time(observed: ObservedTraffic) -> None:
    job = observed.submit("a/b")
    observed.now = 5
    observed.run("a/b", {}, {})
    job.result({}, 9)
    first, second = (outcome.asked for outcome in observed.observed if hasattr(outcome, "asked"))
    assert first - second == 5
