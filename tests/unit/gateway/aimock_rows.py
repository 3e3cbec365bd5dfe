"""Every known property of aimock's routes and files, with the tests that check it in falmock.

A row names tests in the aimock dialect, or a difference by its first cell in a table of
`addon/falmock/gateway/README.md`, or both. Tests are named `file::function`, below `tests/unit`.
"""

from __future__ import annotations

from typing import NamedTuple

DIALECT = "gateway/aimock/test_dialect"
ROUTES = "gateway/aimock/test_door"
CONTROL = "gateway/aimock/test_control"
FILES = "fixtures/format/test_aimock"
FOLDERS = "fixtures/disk/test_walk"


class Row(NamedTuple):
    """What aimock does, the tests of it, and the differences from it by the first cells of their rows."""

    what: str
    tests: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


ROUTING = (
    Row("the header's value", (f"{ROUTES}::test_the_host_in_any_spelling",), ("`x-fal-target-host`",)),
    Row("what is in no table", (f"{DIALECT}::test_no_route", f"{ROUTES}::test_what_stands_for_no_call")),
    Row("paths as written", (f"{ROUTES}::test_the_path_in_any_spelling",), ("paths",)),
    Row("query strings", (), ("query strings",)),
    Row("hosts and methods", (), ("hosts and routes",)),
)
HEADER_ROUTES = (
    Row("submit", (f"{DIALECT}::test_a_submit",)),
    Row("status", (f"{DIALECT}::test_a_status", f"{DIALECT}::test_places_logs_and_metrics")),
    Row("result", (f"{DIALECT}::test_a_result", f"{DIALECT}::test_a_result_before_the_job_is_over")),
    Row("cancel", (f"{DIALECT}::test_cancels",), ("a job that ignores a cancel",)),
    Row("sync", (f"{DIALECT}::test_a_run",)),
    Row("storage", (f"{ROUTES}::test_an_upload_comes_back_here",), ("uploads", "`/storage/upload/initiate`")),
    Row("any model path finds any id", (f"{DIALECT}::test_any_model_path_finds_a_job",)),
    Row("ids are looked up by test id", (f"{ROUTES}::test_a_job_is_seen_in_its_scope_only",)),
    Row("an unknown id", (f"{DIALECT}::test_an_unknown_job",)),
)
OLDER_ROUTES = (
    Row("older submit", (f"{DIALECT}::test_the_older_routes",), ("the older routes",)),
    Row("older status", (f"{DIALECT}::test_the_older_routes",), ("the older routes",)),
    Row("older result", (f"{DIALECT}::test_the_older_routes_before_a_job_is_over",), ("the older routes",)),
    Row("older cancel", (f"{DIALECT}::test_the_older_routes",), ("the older routes",)),
    Row("older sync", (f"{DIALECT}::test_status_beside_json_counts_by_the_older_routes_only",)),
    Row("older: other paths", (f"{DIALECT}::test_the_older_routes",)),
    Row("older: audio fixtures alone", (f"{DIALECT}::test_audio",), ("`endpoint`: `fal` or `fal-audio`",)),
    Row("older: jobs of their own", (), ("the older routes",)),
    Row(
        "older: a body that is no object",
        (f"{DIALECT}::test_what_is_no_object",),
        ("a body that is an array or `null`",),
    ),
)
ERRORS = (
    Row("bad JSON", (f"{DIALECT}::test_what_is_no_json",)),
    Row("no fixture", (f"{DIALECT}::test_a_miss",)),
    Row("no fixture, strict", (f"{DIALECT}::test_a_strict_miss",), ("a strict miss because of `turnIndex` only",)),
    Row(
        "an error fixture",
        (f"{DIALECT}::test_an_error_is_the_answer_to_a_submit", f"{DIALECT}::test_an_error_by_default"),
    ),
    Row("429", (f"{DIALECT}::test_an_error_is_the_answer_to_a_submit",), ("429",)),
    Row("a fixture of another shape", (), ('responses of other kinds with `endpoint: "fal"`',)),
    Row("record: trouble upstream", (), ("the real fal cannot be reached", "fal's own answers in `record` and `auto`")),
    Row("a long body", (f"{CONTROL}::test_a_body_that_is_too_long",), ("a body of more than 10 MB",)),
    Row("any content type", (f"{DIALECT}::test_the_content_type_is_not_looked_at_and_a_body_may_be_missing",)),
    Row("headers of every answer", (f"{DIALECT}::test_headers_of_every_answer",), ("pages of other origins",)),
    Row("OPTIONS", (f"{DIALECT}::test_a_preflight",), ("pages of other origins",)),
)
JOBS = (
    Row("polls", (f"{DIALECT}::test_polls",)),
    Row("queue_position", (f"{DIALECT}::test_places_logs_and_metrics",)),
    Row("logs", (f"{DIALECT}::test_places_logs_and_metrics",), ("`logs` of a job",)),
    Row("metrics", (f"{DIALECT}::test_places_logs_and_metrics", f"{DIALECT}::test_a_job_that_goes_by_the_clock")),
    Row("a cancelled job", (f"{DIALECT}::test_cancels",)),
    Row("the store", (), ("jobs",)),
)
FIXTURE_FILES = (
    Row("other keys of a file", (f"{FILES}::test_remarks_of_the_recorder_are_passed_over",)),
    Row("the order of files", (f"{FOLDERS}::test_files_come_before_sub_folders_each_by_name",)),
    Row("any depth", (f"{FOLDERS}::test_folders_are_read_to_any_depth",)),
    Row("bad files and entries", (), ("unknown keys, unreadable files, entries without `match`",)),
    Row("keys of an entry that fal does not use", (f"{FILES}::test_what_fal_calls_do_not_use_is_named",)),
    Row("chaos of an entry", (), ("`chaos` of a fixture",)),
)
MATCH = (
    Row("endpoint", (f"{FILES}::test_authored_files",), ("`endpoint`: `fal` or `fal-audio`",)),
    Row(
        "model",
        (f"{DIALECT}::test_a_model_that_goes_on_with_a_digit",),
        ("`model`", "a model of one part, or with odd characters"),
    ),
    Row("userMessage", (f"{DIALECT}::test_the_prompt",), ("`userMessage`, no prompt in the input",)),
    Row("context", (f"{ROUTES}::test_a_context",)),
    Row("sequenceIndex", (f"{DIALECT}::test_sequences",), ("a sequence that ran out", "fixtures with an equal match")),
    Row("turnIndex, hasToolResult", (f"{FILES}::test_conditions_that_no_fal_call_meets",), ("`turnIndex` 0",)),
    Row("what no fal call meets", (f"{DIALECT}::test_fixtures_for_chats_never_answer",)),
    Row("the text of a prompt", ("fixtures/matching/test_user_message::test_the_text_of_a_prompt",)),
    Row("the first that matches", (f"{DIALECT}::test_the_first_that_matches_answers",), ("several match",)),
    Row("equal ones", (f"{DIALECT}::test_of_equal_ones_the_first_answers_ever",), ("fixtures with an equal match",)),
    Row("a one-shot error", (f"{ROUTES}::test_an_error_strikes_the_next_call_once",)),
)
RESPONSES = (
    Row("json", (f"{DIALECT}::test_any_json_is_a_payload", f"{DIALECT}::test_a_result"), ("`status` beside `json`",)),
    Row("json by the older routes", (), ("`json` that is no object, by the older routes",)),
    Row("error", (f"{DIALECT}::test_an_error_is_the_answer_to_a_submit",), ("`error`",)),
    Row("audio", (f"{DIALECT}::test_audio", f"{FILES}::test_audio_in_base64")),
    Row(
        "other kinds",
        (f"{FILES}::test_entries_for_other_providers",),
        ('responses of other kinds with `endpoint: "fal"`',),
    ),
    Row("the authored sample", (f"{FILES}::test_authored_files",)),
    Row("the recorded sample", (f"{FILES}::test_recordings_answer_the_calls_they_were_made_of",)),
    Row("what is recorded", (), ("what `--record` writes",)),
)
ROWS = ROUTING + HEADER_ROUTES + OLDER_ROUTES + ERRORS + JOBS + FIXTURE_FILES + MATCH + RESPONSES
