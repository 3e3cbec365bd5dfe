from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import routes
from falmock.wire.calls import Call
from falmock.wire.calls import Cancel
from falmock.wire.calls import CdnToken
from falmock.wire.calls import DirectUpload
from falmock.wire.calls import FileGet
from falmock.wire.calls import FilePut
from falmock.wire.calls import MultipartStart
from falmock.wire.calls import PartUrl
from falmock.wire.calls import Result
from falmock.wire.calls import Run
from falmock.wire.calls import RunSocket
from falmock.wire.calls import Socket
from falmock.wire.calls import Status
from falmock.wire.calls import StatusStream
from falmock.wire.calls import Stream
from falmock.wire.calls import Submit
from falmock.wire.calls import Token
from falmock.wire.calls import Unrouted
from falmock.wire.calls import UploadComplete
from falmock.wire.calls import UploadInitiate
from falmock.wire.calls import UploadPart
from falmock.wire.calls import WebhookKeys
from falmock.wire.endpoint import parse
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.routes import form_of
from falmock.wire.routes import route

RID = "019e5b1c-7f3a-7c3e-8a51-0b3ae067edb1"


def call(method: str, url: str, *, upgrade: bool = False) -> Call:
    host, _, rest = url.partition("/")
    path, _, query = f"/{rest}".partition("?")
    role = Hosts().role(host)
    assert role is not None
    return routes.route(role, method, path, query, upgrade=upgrade)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("host", ["fal.run", "falrun.com"])
@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("fal-ai/flux/dev", "fal-ai/flux/dev"),
        ("fal-ai/flux/dev/", "fal-ai/flux/dev"),
        ("fal-ai/flux/dev?prompt=a+b&n=1&arr=1%2C2", "fal-ai/flux/dev"),
        ("fal-ai/flux/dev/sub", "fal-ai/flux/dev/sub"),
        ("workflows/me/mine", "workflows/me/mine"),
        ("comfy/me/mine", "comfy/me/mine"),
        ("110602490-fast-sdxl", "110602490/fast-sdxl"),
        ("110602490/fast-sdxl", "110602490/fast-sdxl"),
        ("me/my-app/health", "me/my-app/health"),
    ],
)
def test_runs(method: str, host: str, path: str, endpoint: str) -> None:
    assert call(method, f"{host}/{path}") == Run(parse(endpoint))


@pytest.mark.parametrize("host", ["queue.fal.run", "queue.falrun.com"])
@pytest.mark.parametrize(
    ("url", "endpoint", "length", "webhook"),
    [
        ("fal-ai/flux", "fal-ai/flux", "", ""),
        ("fal-ai/flux/dev/", "fal-ai/flux/dev", "", ""),
        ("workflows/me/mine", "workflows/me/mine", "", ""),
        ("fal-ai/flux?fal_max_queue_length=2", "fal-ai/flux", "2", ""),
        (
            "fal-ai/flux?fal_webhook=https%3A%2F%2Fex.test%2Fhook%3Fa%3D1%26b%3D2",
            "fal-ai/flux",
            "",
            "https://ex.test/hook?a=1&b=2",
        ),
        ("fal-ai/flux?fal_webhook=https://ex.test/hook", "fal-ai/flux", "", "https://ex.test/hook"),
    ],
)
def test_submits(host: str, url: str, endpoint: str, length: str, webhook: str) -> None:
    assert call("POST", f"{host}/{url}") == Submit(parse(endpoint), length, webhook)


FORM = "fal-ai/flux/requests/{request_id}"
FOLLOW_UPS = [
    ("GET", "status", "/status", Status(RID, logs=False)),
    ("GET", "status?logs=1", "/status", Status(RID, logs=True)),
    ("GET", "status?logs=true", "/status", Status(RID, logs=True)),
    ("GET", "status?logs=True", "/status", Status(RID, logs=True)),
    ("GET", "status?logs=0", "/status", Status(RID, logs=False)),
    ("GET", "status?logs=false", "/status", Status(RID, logs=False)),
    ("GET", "status?logs", "/status", Status(RID, logs=False)),
    ("GET", "status?_subdomain=queue&logs=1", "/status", Status(RID, logs=True)),
    ("GET", "status/?logs=0", "/status", Status(RID, logs=False)),
    ("GET", "status/stream?logs=1&fal_jwt_token=x", "/status/stream", StatusStream(RID, logs=True)),
    ("GET", "", "", Result(RID)),
    ("GET", "/", "", Result(RID)),
    ("GET", "response", "/response", Result(RID)),
    ("GET", "response/", "/response", Result(RID)),
    ("PUT", "cancel", "/cancel", Cancel(RID)),
    ("PUT", "cancel/", "/cancel", Cancel(RID)),
]


@pytest.mark.parametrize(("method", "rest", "action", "expected"), FOLLOW_UPS)
@pytest.mark.parametrize(
    "app",
    [
        "fal-ai/flux",
        "fal-ai/flux/dev",  # the sub-path kept
        "workflows/me/mine",
        "me/mine",  # the namespace dropped, as Java and Dart do
        "workflows/me",  # a namespace taken for an owner, as Swift does
        "110602490/fast-sdxl",
        "/fal-ai/flux/",
    ],
)
def test_follow_up_calls_have_the_request_id_and_the_form_of_their_url(
    method: str, rest: str, action: str, expected: Status | StatusStream | Result | Cancel, app: str
) -> None:
    path = f"{app}/requests/{RID}" + (f"/{rest}" if rest not in ("", "/") else rest)
    form = f"{app.strip('/')}/requests/{{request_id}}{action}"
    assert call(method, f"queue.fal.run/{path}") == expected._replace(form=form)


@pytest.mark.parametrize(("method", "rest", "action", "expected"), FOLLOW_UPS)
@pytest.mark.parametrize("app", ["", "flux", "fal-ai/flux/dev"])
def test_where_the_form_does_not_count_there_is_none(
    method: str, rest: str, action: str, expected: Call, app: str
) -> None:
    del action
    path, _, query = rest.partition("?")
    found = route(Role.QUEUE, method, f"/{app}/requests/{RID}/{path}", query, lenient=True)
    assert found == expected


@pytest.mark.parametrize(("method", "rest"), [(method, rest) for method, rest, *_ in FOLLOW_UPS])
@pytest.mark.parametrize("app", ["", "flux", "/"])
def test_no_follow_up_without_an_app(method: str, rest: str, app: str) -> None:
    found = call(method, f"queue.fal.run/{app}/requests/{RID}/{rest}")
    assert isinstance(found, Unrouted)
    assert found.status == 404
    assert "expected /owner/app" in found.message


@pytest.mark.parametrize(
    ("url", "form"),
    [
        (f"https://queue.fal.run/a/b/requests/{RID}", "a/b/requests/{request_id}"),
        (f"https://queue.fal.run/a/b/c/requests/{RID}/response/?x=1", "a/b/c/requests/{request_id}/response"),
        (f"https://queue.fal.run/a/b/requests/{RID}/status/stream", "a/b/requests/{request_id}/status/stream"),
        (f"https://queue.fal.run/a/b/requests/{RID}/else", None),
        ("https://queue.fal.run/a/b/requests/another/status", None),
        ("nothing", None),
    ],
)
def test_the_form_of_a_url(url: str, form: str | None) -> None:
    assert form_of(url, RID) == form


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("POST", "fal-ai/fal-ai/flux/dev", Run(parse("fal-ai/flux/dev"))),
        ("POST", "fal-ai/fal-ai/flux/dev?_subdomain=queue", Submit(parse("fal-ai/flux/dev"), "", "")),
        (
            "GET",
            f"fal-ai/fal-ai/flux/requests/{RID}/status?_subdomain=queue",
            Status(RID, logs=False, form=f"{FORM}/status"),
        ),
        ("GET", f"fal-ai/fal-ai/flux/requests/{RID}?_subdomain=queue", Result(RID, FORM)),
    ],
)
def test_hugging_faces_router_has_the_provider_before_the_id(method: str, url: str, expected: Call) -> None:
    assert call(method, f"router.huggingface.co/{url}") == expected


FILE = "/files/b/0a9df36f/gjg6Bvp-NUq_a%20b.txt"
BUCKET = "/falserverless" + FILE


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        # JS, whole and in parts
        ("POST", "rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", UploadInitiate("fal-cdn-v3")),
        ("POST", "rest.alpha.fal.ai/storage/upload/initiate", UploadInitiate("")),
        ("POST", "rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3", UploadInitiate("fal-cdn-v3")),
        ("PUT", f"v3b.fal.media{FILE}?signature=x", FilePut()),
        ("PUT", f"v3b.fal.media{FILE}/1?signature=x", UploadPart(FILE, 1)),
        ("PUT", f"v3b.fal.media{FILE}/10000", UploadPart(FILE, 10000)),
        ("POST", f"v3b.fal.media{FILE}/complete?signature=x", UploadComplete(FILE)),
        # Python, whole and in parts, and its fallbacks
        ("POST", "rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", CdnToken()),
        ("POST", "rest.alpha.fal.ai/storage/auth/token/", CdnToken()),
        ("POST", "rest.fal.ai/tokens/", Token(newer=False)),
        ("POST", "rest.alpha.fal.ai/tokens", Token(newer=False)),
        ("POST", "rest.fal.ai/tokens/realtime", Token(newer=True)),
        ("POST", "v3.fal.media/files/upload", DirectUpload()),
        ("POST", "v3b.fal.media/files/upload", DirectUpload()),
        ("POST", "fal.media/files/upload", DirectUpload()),
        ("POST", "v3b.fal.media/files/upload/multipart", MultipartStart()),
        ("PUT", f"v3b.fal.media{FILE}/multipart/up-1/3", UploadPart(FILE, 3)),
        ("POST", f"v3b.fal.media{FILE}/multipart/up-1/complete", UploadComplete(FILE)),
        ("POST", "rest.fal.ai/storage/upload/initiate?storage_type=gcs", UploadInitiate("gcs")),
        # Google's storage
        ("PUT", f"storage.googleapis.com{BUCKET}?signature=x", FilePut()),
        ("POST", f"storage.googleapis.com{BUCKET}/2", PartUrl(BUCKET, 2)),
        ("PUT", f"storage.googleapis.com{BUCKET}/2", UploadPart(BUCKET, 2)),
        ("POST", f"storage.googleapis.com{BUCKET}/complete", UploadComplete(BUCKET)),
        # Keys of webhooks
        ("GET", "rest.fal.ai/.well-known/jwks.json", WebhookKeys()),
        ("HEAD", "rest.alpha.fal.ai/.well-known/jwks.json", WebhookKeys()),
        # Downloads
        ("GET", f"v3b.fal.media{FILE}", FileGet()),
        ("HEAD", f"v3.fal.media{FILE}", FileGet()),
        ("GET", "fal.media/files/koala/7CG2M_3H4.jpeg", FileGet()),
        ("GET", "v3b.fal.media/files/upload", FileGet()),
        ("GET", f"storage.googleapis.com{BUCKET}", FileGet()),
    ],
)
def test_storage(method: str, url: str, expected: Call) -> None:
    assert call(method, url) == expected


@pytest.mark.parametrize(
    ("method", "url", "status", "words"),
    [
        ("PUT", "fal.run/fal-ai/flux", 405, "POST or GET, not PUT"),
        ("DELETE", "fal.run/fal-ai/flux", 405, "not DELETE"),
        ("GET", "fal.run/flux", 404, "owner/alias"),
        ("GET", "fal.run/", 404, "owner/alias"),
        ("POST", "fal.run/fal-ai/../x", 404, "'..'"),
        ("POST", "fal.run/fal-ai/%2e%2e/x", 404, "'..'"),
        ("GET", "queue.fal.run/fal-ai/flux", 405, "a submit"),
        ("POST", "queue.fal.run/flux", 404, "owner/alias"),
        ("POST", f"queue.fal.run/fal-ai/flux/requests/{RID}", 405, "the result of a request is called with GET"),
        ("GET", f"queue.fal.run/fal-ai/flux/requests/{RID}/cancel", 405, "with PUT"),
        ("POST", f"queue.fal.run/fal-ai/flux/requests/{RID}/cancel", 405, "with PUT"),
        ("PUT", f"queue.fal.run/fal-ai/flux/requests/{RID}/status", 405, "with GET"),
        ("GET", "rest.fal.ai/storage/upload/initiate", 405, "with POST"),
        ("GET", "rest.fal.ai/", 404, "no route"),
        ("POST", "rest.fal.ai/storage/upload/initiate/x", 404, "no route"),
        ("GET", "rest.fal.ai/tokens/", 405, "with POST"),
        ("POST", "rest.fal.ai/tokens/other", 404, "no route"),
        ("POST", "rest.alpha.fal.ai/.well-known/jwks.json", 404, "jwks"),
        ("GET", "ws.fal.run/fal-ai/flux", 426, "WebSocket only"),
        ("DELETE", f"v3b.fal.media{FILE}", 405, "GET, HEAD, PUT"),
        ("POST", f"v3b.fal.media{FILE}", 405, "upload routes"),
        ("POST", f"v3b.fal.media{FILE}/1", 405, "upload routes"),
        ("GET", "storage.googleapis.com/elsewhere/x", 404, "bucket"),
        ("GET", "api.fal.ai/v1/models", 501, "does not stand in"),
        ("GET", "unheard-of.fal.ai/", 501, "nothing is forwarded"),
    ],
)
def test_requests_without_a_route(method: str, url: str, status: int, words: str) -> None:
    found = call(method, url)
    assert isinstance(found, Unrouted)
    assert found.status == status
    assert words in found.message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("fal.run/fal-ai/lcm/realtime?fal_jwt_token=x", Socket(parse("fal-ai/lcm/realtime"))),
        ("falrun.com/fal-ai/lcm/realtime", Socket(parse("fal-ai/lcm/realtime"))),
        ("fal.run/acme/app/stream", Socket(parse("acme/app/stream"))),
        ("ws.fal.run/acme/app/p", RunSocket(parse("acme/app/p"))),
    ],
)
def test_sockets(url: str, expected: Call) -> None:
    assert call("GET", url, upgrade=True) == expected


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("fal.run/flux", 404),
        ("ws.fal.run/", 404),
        ("queue.fal.run/fal-ai/flux", 405),
        ("rest.fal.ai/tokens/", 405),
        ("wma.fal.run/session", 501),
    ],
)
def test_sockets_that_nobody_opens(url: str, status: int) -> None:
    found = call("GET", url, upgrade=True)
    assert isinstance(found, Unrouted)
    assert found.status == status


PIECES = st.lists(
    st.sampled_from(
        [
            "/",
            "requests",
            "status",
            "stream",
            "cancel",
            "response",
            "fal-ai",
            "files",
            "upload",
            "multipart",
            "complete",
            "falserverless",
            "1",
            "99999999",
            "٣",
            "%",
            "%2F",
            "%ff",
            "..",
            "\n",
            "\ud800",
            "a",
            "\x00",
            "workflows",
        ]
    ),
    max_size=12,
).map("".join)


@given(
    st.sampled_from(Role),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]) | st.text(max_size=5),
    PIECES | PIECES.map("/".__add__) | st.text(st.characters(), max_size=20),
    st.sampled_from(["_subdomain=queue", "logs=%ff", "logs=1&logs=0", "fal_webhook", "fal_webhook=%"])
    | st.text(st.characters(), max_size=20),
    st.booleans(),
)
def test_any_request_has_a_call_or_a_refusal(role: Role, method: str, path: str, query: str, upgrade: bool) -> None:  # noqa: FBT001
    found = routes.route(role, method, path, query, upgrade=upgrade)
    if isinstance(found, Unrouted):
        assert found.status in (404, 405, 426, 501)
        assert found.message
    if isinstance(found, Status | StatusStream | Result | Cancel):
        assert found.request_id
        assert "/" not in found.request_id
    if isinstance(found, Run | Stream | Socket | RunSocket | Submit):
        assert parse(str(found.endpoint)) == found.endpoint


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("a=1&b=2", "b", "2"),
        ("a=1&a=2", "a", "1"),
        ("a=", "a", ""),
        ("ab=1", "a", ""),
        ("", "a", ""),
        ("a=x%20y+z", "a", "x y z"),
    ],
)
def test_query_values(query: str, name: str, value: str) -> None:
    assert routes.query_value(query, name) == value


FIELDS = st.lists(st.text("a%2b&=+;\u00e9", max_size=5), max_size=5).map("&".join)


@example("%61=1&a=2", "a")
@given(FIELDS, st.sampled_from(["a", "b", "ab", "\u00e9", "2"]))
def test_any_query_is_read_as_the_standard_library_does(query: str, name: str) -> None:
    found = parse_qs(query, keep_blank_values=True).get(name, [""])[0] if name in query else ""
    assert routes.query_value(query, name) == found
