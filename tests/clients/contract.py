"""What each client needs from a mock, by operation, and the tests of it.

PROTOCOL.md section 12.2 refers to this table. Tests are named `file::function`, in this folder. If `wire_level` is set,
the client itself cannot run here: the test sends the same requests and reads the answers as strictly as the client.
"""

from __future__ import annotations

from typing import NamedTuple

WIRE = "test_contract"
PY = "test_python_client"
JS = "test_js_client"
STREAMS = "test_streams"
SOCKETS = "test_sockets"
PROXY = "test_server_proxy"
DEFAULTS = "test_queue_defaults"


class Row(NamedTuple):
    """A client and an operation, what a mock must and must not do, and the tests of that."""

    client: str
    must: str
    must_not: str
    tests: tuple[str, ...]
    wire_level: bool = False


ROWS = (
    Row("py run", "2xx JSON", "empty 204", (f"{PY}::test_run_and_fetch_the_picture", f"{PY}::test_run_with_get")),
    Row(
        "py submit",
        "request_id, response_url, status_url, cancel_url",
        "relative URLs",
        (
            f"{PY}::test_come_back_with_the_request_id_for_any_form_of_endpoint_id",
            f"{WIRE}::test_py_submit_urls_are_absolute_and_fals_own",
        ),
    ),
    Row(
        "py status/subscribe/get/result",
        "three words for the state; queue_position only in the queue; logs; metrics; COMPLETED again when asked again",
        "CANCELLED or FAILED; a job that is used up by reading it",
        (
            f"{PY}::test_subscribe_from_the_queue_to_the_end",
            f"{PY}::test_a_failing_job",
            f"{WIRE}::test_py_status_has_the_keys_of_each_state_and_reading_uses_nothing_up",
        ),
    ),
    Row(
        "py cancel",
        "2xx",
        "",
        (
            f"{PY}::test_cancel",
            f"{PY}::test_a_client_that_gives_up_cancels_its_job",
            f"{DEFAULTS}::test_a_job_is_cancelled_right_after_its_submit",
        ),
    ),
    Row(
        "py stream",
        "200 text/event-stream, JSON in every data:",
        "[DONE]",
        (
            f"{STREAMS}::test_python_stream",
            f"{STREAMS}::test_python_stream_by_any_path",
            f"{STREAMS}::test_python_fails_at_the_end_of_what_openai_streams",
        ),
    ),
    Row(
        "py upload",
        "token, token_type, base_url, expires_at with an offset; access_url",
        "naive times",
        (f"{PY}::test_upload_and_download", f"{PY}::test_upload_without_a_name"),
    ),
    Row(
        "py upload > 100 MiB",
        "access_url, uploadId; ETag on parts; parts in any order and in parallel",
        "compressed answers to parts without ETag",
        (f"{PY}::test_upload_in_parts", "test_bodies::test_the_upload_of_a_client_in_parts"),
    ),
    Row(
        "py realtime",
        "the token as a JSON string; 101; binary msgpack results; TIMEOUT as text and only at the real end",
        "error maps in binary frames",
        (
            f"{SOCKETS}::test_python_realtime",
            f"{SOCKETS}::test_what_python_makes_of",
            f"{SOCKETS}::test_what_python_makes_of_a_close",
            f"{SOCKETS}::test_python_with_a_token_that_has_expired",
        ),
    ),
    Row(
        "js run/result",
        "JSON; x-fal-request-id",
        "error bodies without a JSON content type",
        (
            f"{JS}::test_run_and_fetch_the_picture",
            f"{JS}::test_the_request_id_of_a_run_is_the_header",
            f"{JS}::test_the_request_id_of_a_result_is_the_jobs",
            f"{JS}::test_a_failing_run",
        ),
    ),
    Row(
        "js subscribe",
        "request_id; COMPLETED in the end; then a result or an error",
        "",
        (f"{JS}::test_subscribe_from_the_queue_to_the_end", f"{JS}::test_a_failing_job"),
    ),
    Row(
        "js subscribe streaming",
        "text/event-stream, COMPLETED as the last event, close",
        "",
        (f"{STREAMS}::test_js_subscribes_to_a_stream_of_statuses",),
    ),
    Row(
        "js stream",
        "as py stream; every event JSON and truthy",
        "[DONE]",
        (
            f"{STREAMS}::test_js_stream",
            f"{STREAMS}::test_js_stream_in_a_loop",
            f"{STREAMS}::test_js_does_not_take_the_end_of_what_openai_streams",
        ),
    ),
    Row(
        "js upload",
        "upload_url, file_url; PUT 2xx on any host",
        "a PUT that is redirected",
        (f"{JS}::test_upload_and_download",),
    ),
    Row(
        "js upload > 90 MiB",
        "JSON answers to parts, the query kept",
        "",
        (f"{JS}::test_upload_in_parts", "test_bodies::test_the_upload_of_a_client_in_parts"),
    ),
    Row(
        "js realtime",
        "the token as a JSON string; binary accepted; close 1000 when idle",
        "1006 without a reason",
        (
            f"{SOCKETS}::test_js_realtime",
            f"{SOCKETS}::test_what_js_makes_of",
            f"{SOCKETS}::test_js_reconnects_after_a_close",
            f"{SOCKETS}::test_js_tells_of_another_close",
        ),
    ),
    Row(
        "js via proxyUrl",
        "where x-fal-target-url says, by the same method: through falmock's own proxy, or the backend of an app",
        "",
        (
            f"{PROXY}::test_the_client_sees_what_it_sees_without_a_proxy",
            f"{PROXY}::test_a_page_in_a_browser",
            "test_browser::test_a_page_shows_the_same_again",
            f"{WIRE}::test_a_server_proxy_goes_on_to_where_its_header_says",
        ),
    ),
    Row(
        "java subscribe",
        "status/stream that ends with COMPLETED; then the result",
        "to rely on polls",
        (
            f"{WIRE}::test_java_follows_the_status_stream_and_never_polls",
            f"{STREAMS}::test_every_change_is_told_once",
            f"{DEFAULTS}::test_what_clients_build_is_served_with_a_warning",
        ),
        wire_level=True,
    ),
    Row(
        "swift",
        "response_url a string; logs; labels.level in log entries; JSON text frames; tokens as quoted text",
        "log entries without labels",
        (
            f"{WIRE}::test_swift_decodes_what_it_is_strict_about",
            f"{WIRE}::test_swift_talks_in_json_text_and_gets_msgpack",
            f"{SOCKETS}::test_json_text_as_swift_sends_it",
            f"{WIRE}::test_swift_and_dart_get_a_token_as_quoted_text",
        ),
        wire_level=True,
    ),
    Row(
        "dart",
        "response_url a string; a 422 as fal words it, on which its ValidationException fails with fal too",
        "",
        (
            f"{WIRE}::test_dart_finds_the_url_of_the_result_in_every_state",
            f"{WIRE}::test_dart_reads_of_a_422_what_fal_itself_gives_it",
        ),
        wire_level=True,
    ),
    Row(
        "fal package (fal.apps)",
        "slashes at the end without a redirect; HTTP 200 and only that for completed",
        "200 while it is pending",
        (
            f"{WIRE}::test_fal_apps_takes_the_status_code_for_the_state",
            f"{WIRE}::test_fal_apps_gives_up_a_job_with_a_slash_too",
        ),
        wire_level=True,
    ),
    Row(
        "huggingface clients",
        "the same queue behind router.huggingface.co/fal-ai/...?_subdomain=queue",
        "",
        (
            f"{WIRE}::test_huggingface_clients_go_by_their_router",
            f"{WIRE}::test_huggingface_clients_run_by_their_router",
        ),
        wire_level=True,
    ),
    Row(
        "server-proxy apps",
        "reached by Node's fetch, with x-fal-target-url come along; nothing packed or stripped",
        "",
        (
            f"{PROXY}::test_fals_own_proxy_with_the_mock_for_fal",
            f"{WIRE}::test_a_server_proxy_goes_on_to_where_its_header_says",
            "test_browser::test_a_page_shows_the_same_again",
        ),
    ),
    Row(
        "webhook receivers",
        "the whole set of keys, four headers, a valid ED25519 signature, keys on both REST hosts",
        "",
        (
            "test_webhooks::test_a_job_that_goes_well",
            "test_webhooks::test_a_job_that_fails",
            "test_webhooks::test_the_verifier_notices_what_is_not_genuine",
        ),
    ),
)
