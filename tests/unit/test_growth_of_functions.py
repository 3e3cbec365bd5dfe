"""What reads hostile texts takes time by their length: functions that loop, and calls from the request to the journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from falmock.fixtures.matching import user_message
from falmock.fixtures.matching import volatile_shapes
from falmock.fixtures.matching.canonical import canonical
from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.paths import parse_path
from falmock.fixtures.matching.recorded_urls import address
from falmock.fixtures.matching.volatile import Ignores
from falmock.fixtures.suggest import did_you_mean
from falmock.gateway.openai import file_urls
from falmock.proxy.screens.describe import Side
from falmock.proxy.screens.describe import describe
from falmock.recording import files
from falmock.recording import match
from falmock.recording import uploads
from falmock.redaction.redactor import Redactor
from falmock.redaction.rules import parse_secrets
from falmock.synthesis.typescript.declarations import declarations
from falmock.wire import auth
from falmock.wire import endpoint
from falmock.wire import hosts
from falmock.wire import query
from falmock.wire import routes
from falmock.wire import storage
from falmock.wire import target
from falmock.wire import upload_policy
from falmock.wire.formats import data_uri
from falmock.wire.formats import jsontext
from falmock.wire.formats import media
from falmock.wire.formats import multipart
from falmock.wire.formats import sse
from falmock.wire.hosts import Role
from unit import growth
from unit.engine.calls import FLUX
from unit.engine.calls import Client

RULES = Ignores(
    [parse_ignore(rule) for rule in ("seed", "/cat-[0-9]+/", "@uuid", "@ulid", "@timestamp", "@signed-url")]
)
REDACTOR = Redactor(["x-mine"], ["cust-[0-9]{1,20}"])
IN_FLUX = "https://fal.run/fal-ai/flux/dev"


def journaled(text: str) -> None:
    client = Client(FLUX, ignore=RULES)
    journal = client.engine.scope.journal
    client.send("POST", IN_FLUX, {"prompt": text, "text": text})
    for entry in journal.entries:
        journal.shown(entry)


def pieces(text: str) -> None:
    parser = sse.Parser()
    raw = text.encode("utf-8", "replace")
    for start in range(0, len(raw), 256):
        parser.feed(raw[start : start + 256])


def form(text: str) -> Any:
    raw = text.encode("utf-8", "replace")
    head = b'--b\r\ncontent-disposition: form-data; name="a"; ' + raw.replace(b"\n", b"")
    return multipart.read("multipart/form-data; boundary=b", head + b"\r\n\r\n" + raw + b"\r\n--b--")


def header(text: str) -> None:
    Redactor().learn(
        {"cookie": text, "authorization": text, "x-forwarded-for": text, "forwarded": text, "x-key": text}, text
    )


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "a call": journaled,
    "address": address,
    "auth": lambda text: auth.flaw(auth.AuthRule(required=True), {"authorization": text}, 0.0),
    "canonical": lambda text: canonical({"a": text, text: [text]}, lambda _: None),
    "data_uri": data_uri.read,
    "data_uri in one": lambda text: data_uri.read(f"data:{text}"),
    "describe": lambda text: describe(_side(text), REDACTOR),
    "did_you_mean": lambda text: did_you_mean(text[:200], ["fal-ai/flux/dev", "seed"]),
    "endpoint": endpoint.parse,
    "file_urls": lambda text: file_urls.to_fal({"a": text}),
    "form": form,
    "host": hosts.normalize,
    "ignores": lambda text: RULES.normalize("a/b", {"a": text}),
    "ignores in recordings": lambda text: RULES.expected("a/b", {"a": text}),
    "inline_file": files.inline_file,
    "is_media": files.is_media,
    "is_type": media.is_type,
    "json": jsontext.value_of,
    "media_type": media.media_type,
    "parse_ignore": parse_ignore,
    "parse_path": parse_path,
    "parse_range": lambda text: storage.parse_range(text, 1000),
    "parse_secrets": lambda text: parse_secrets([text]),
    "policy": lambda text: upload_policy.problem(json.dumps({"url": f"https://{text}.amazonaws.com", "fields": {}})),
    "prompt": lambda text: user_message.says("{" + text + "}", "{" + text, text),
    "query": query.parameters,
    "readable_name": files.readable_name,
    "redactor.expected": lambda text: REDACTOR.expected({"a": text}),
    "redactor.key": lambda text: REDACTOR.value({text: 1}),
    "redactor.learn": header,
    "redactor.proposed": lambda text: REDACTOR.proposed({"a": text}),
    "redactor.shown": lambda text: REDACTOR.shown({"a": text}, 2000),
    "redactor.text": REDACTOR.text,
    "redactor.value": lambda text: REDACTOR.value({"a": text}),
    "route": lambda text: routes.route(hosts.Role.QUEUE, "GET", f"/{text}", text),
    "shapes": lambda text: volatile_shapes.part_shapes(text, f"{text}."),
    "slug": match.slug,
    "sse": pieces,
    "types": declarations,
    "types in one": lambda text: declarations(f"type A = 'a' | {text}"),
    "target": lambda text: target.parse_target(f"https://{text}"),
    "url_key": uploads.url_key,
    "url_key of a query": lambda text: uploads.url_key(f"https://a.b/c?{text}"),
    "written": lambda text: jsontext.dump_exact({"a": text}, indent=2),
}
PUMPS = [
    *(
        "-eyJ",
        "a://",
        "?&",
        "{",
        "[",
        '{"a":',
        '["',
        "%25",
        "%",
        "data:",
        "\\",
        '\\"',
        '"',
        "'",
        "a",
        "1",
        "-",
        "_",
        ".",
        "/",
    ),
    *(
        "=",
        "&",
        "&sig",
        "sig=",
        "?sig=",
        ":",
        "@",
        "a@",
        "://a:",
        ";",
        ";a=",
        ",",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\t",
        "\x00",
    ),
    *(
        "Key ",
        "Bearer ",
        "sk-",
        "token=",
        "<",
        "{}",
        "é",
        "\u0301",
        "\ud800",
        "a=1&",
        "--b\r\n",
        "data:a\n",
        "https://a.b/c?d=",
        "[0]",
    ),
    *(
        "eyJaaaaaa.eyJaaaaaa.",
        "-----BEGIN PRIVATE KEY-----",
        "2025-01-01T00:00:00.",
        "f47ac10b-58cc-4372-",
        "requests/",
        "$.a",
        "*",
    ),
    *(
        '{"a": "',
        "\\u0026",
        "%3Fa%3D",
        "http%3A%2F%2F",
        "AAAA",
        "Zm9v",
        "x-amz-",
        '"token": "',
        "cat-",
        "xn--",
        "${filename}",
    ),
]


def _side(text: str) -> Side:
    body = json.dumps({"prompt": text}).encode()
    return Side("fal.run", Role.RUN, "POST", "/fal-ai/flux/dev", "", None, "application/json", body)


def _quietly(function: Callable[[str], Any], text: str) -> None:
    try:
        function(text)
    except RecursionError:
        raise
    except (ValueError, AssertionError):  # it is refused
        pass


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_linear(name: str) -> None:
    texts = [growth.Hostile(pump, head, tail) for pump in PUMPS for head, tail in (("", ""), ("https://a.b/", "!"))]
    assert growth.grows(partial(_quietly, FUNCTIONS[name]), texts) is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_depth_is_bounded(name: str) -> None:
    url = "https://a.b/c?sig=d"
    quoted = text = '"'
    for _ in range(330):
        url = f"https://a.b/c?d={quote(url, safe='')}" if len(url) < 200_000 else url
    for _ in range(12):
        quoted = json.dumps({"a": quoted})
    for text in (url, quoted, "[" * 5000, '{"a":' * 5000 + "1" + "}" * 5000, "%25" * 5000, "https%3A%2F%2F" * 330):
        _quietly(FUNCTIONS[name], text)
