"""The environment of a program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from pathlib import PureWindowsPath
from typing import Any

import pytest

from falmock.serving.environment import variables
from falmock.serving.environment.trust_files import TrustFiles
from falmock.serving.environment.variables import Environment
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import parse_extra

URL = "http://127.0.0.1:8080"
FOLDER = PurePosixPath("/ca/falmock-trust")
FILES = TrustFiles(
    PurePosixPath("/ca/ca.pem"),
    FOLDER / "bundle.pem",
    FOLDER / "extra.pem",
    FOLDER / "java.jks",
    FOLDER / "php",
    PurePosixPath("/hooks"),
)


def made(current: Mapping[str, str] | None = None, **more: Any) -> Environment:
    return variables.environment(
        URL,
        more.pop("files", FILES),
        current or {},
        more.pop("hosts", Hosts()),
        **{"is_replay": True, "separator": ":", **more},
    )


def test_all_of_it() -> None:
    java = "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=8080 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8080 "
    assert made() == (
        {
            "HTTPS_PROXY": URL,
            "https_proxy": URL,
            "HTTP_PROXY": URL,
            "http_proxy": URL,
            "wss_proxy": URL,
            "NO_PROXY": "localhost,127.0.0.1,::1",
            "no_proxy": "localhost,127.0.0.1,::1",
            "SSL_CERT_FILE": "/ca/falmock-trust/bundle.pem",
            "REQUESTS_CA_BUNDLE": "/ca/falmock-trust/bundle.pem",
            "CURL_CA_BUNDLE": "/ca/falmock-trust/bundle.pem",
            "NODE_EXTRA_CA_CERTS": "/ca/falmock-trust/extra.pem",
            "DENO_CERT": "/ca/falmock-trust/extra.pem",
            "NODE_OPTIONS": "--require /hooks/preload.cjs",
            "BUN_OPTIONS": "--preload=/hooks/bun.cjs",
            "JAVA_TOOL_OPTIONS": f"{java}-Djavax.net.ssl.trustStore=/ca/falmock-trust/java.jks",
            "PHP_INI_SCAN_DIR": ":/ca/falmock-trust/php",
            "PYTHONPATH": "/hooks",
            "FALMOCK_URL": URL,
            "FALMOCK_HOSTS": variables.host_list(Hosts()),
            "FAL_KEY": variables.KEY,
        },
        [],
    )


def test_what_the_user_has_is_kept() -> None:
    current = {
        "NO_PROXY": "db.test",
        "NODE_OPTIONS": "--no-warnings",
        "BUN_OPTIONS": "--smol",
        "JAVA_TOOL_OPTIONS": "-Xmx64m",
        "PHP_INI_SCAN_DIR": "/php",
        "PYTHONPATH": "/src",
        "FAL_KEY": "mine",
    }
    found, warnings = made(current)
    assert warnings == []
    assert found["no_proxy"] == "db.test,localhost,127.0.0.1,::1"
    assert found["NODE_OPTIONS"].startswith("--no-warnings --require ")
    assert found["BUN_OPTIONS"].startswith("--smol --preload=")
    assert found["JAVA_TOOL_OPTIONS"].startswith("-Xmx64m ")
    assert "db.test" in found["JAVA_TOOL_OPTIONS"]
    assert found["PHP_INI_SCAN_DIR"] == "/php:/ca/falmock-trust/php"
    assert found["PYTHONPATH"] == "/hooks:/src"
    assert "FAL_KEY" not in found


def test_once_more_in_its_own_environment() -> None:
    once = made().variables
    again, warnings = made(once)
    assert warnings == []
    assert once.items() - again.items() == {
        ("FAL_KEY", variables.KEY),
        ("JAVA_TOOL_OPTIONS", once["JAVA_TOOL_OPTIONS"]),
    }


@pytest.mark.parametrize(
    ("current", "is_replay", "expected"),
    [
        ({}, True, True),
        ({"FAL_KEY": ""}, True, True),
        ({"FAL_KEY": "a:b"}, True, False),
        ({"FAL_KEY_ID": "a", "FAL_KEY_SECRET": "b"}, True, False),
        ({}, False, False),
    ],
)
def test_a_key_is_made_up_in_replay_alone(current: dict[str, str], *, is_replay: bool, expected: bool) -> None:
    assert ("FAL_KEY" in made(current, is_replay=is_replay).variables) == expected


def test_a_scope() -> None:
    found = made(scope="a test/1").variables
    assert {found[name] for name in variables.PROXIED} == {"http://a%20test%2F1:x@127.0.0.1:8080"}
    assert (found["FALMOCK_SCOPE"], found["FALMOCK_URL"]) == ("a test/1", URL)


def test_on_windows() -> None:
    folder = PureWindowsPath(r"C:\Users\A B\.falmock")
    files = TrustFiles(
        *(folder / name for name in ("ca.pem", "b.pem", "e.pem", "j.jks", "php")), hooks=folder / "hooks"
    )  # type: ignore[misc]
    found = made({"PYTHONPATH": r"D:\src", "PHP_INI_SCAN_DIR": r"D:\php"}, files=files, separator=";").variables
    assert found["NODE_OPTIONS"] == r'--require "C:\\Users\\A B\\.falmock\\hooks\\preload.cjs"'
    assert found["BUN_OPTIONS"] == r'"--preload=C:\Users\A B\.falmock\hooks\bun.cjs"'
    assert found["PYTHONPATH"] == r"C:\Users\A B\.falmock\hooks;D:\src"
    assert found["PHP_INI_SCAN_DIR"] == r"D:\php;C:\Users\A B\.falmock\php"
    assert r'"-Djavax.net.ssl.trustStore=C:\Users\A B\.falmock\j.jks"' in found["JAVA_TOOL_OPTIONS"]
    assert found["SSL_CERT_FILE"] == r"C:\Users\A B\.falmock\b.pem"


@pytest.mark.parametrize(
    ("current", "words"),
    [
        ({"NO_PROXY": "*,.fal.ai"}, ["NO_PROXY has '*', '.fal.ai'", "taken out"]),
        (
            {"HTTPS_PROXY": "http://me:secret@proxy.corp.test:3128"},
            ["proxy.corp.test:3128", "connects to other hosts without it"],
        ),
        ({"http_proxy": "proxy.corp.test:3128"}, ["proxy.corp.test:3128"]),
        ({"JAVA_TOOL_OPTIONS": "-Djavax.net.ssl.trustStore=/mine"}, ["keytool -importcert -file /ca/ca.pem"]),
    ],
)
def test_what_the_user_should_know(current: dict[str, str], words: list[str]) -> None:
    (warning,) = made(current).warnings
    assert all(word in warning for word in words)
    assert "secret" not in warning


def test_what_is_wrong_with_the_files_is_told_too() -> None:
    assert made(files=FILES._replace(warnings=("it is gone",))).warnings == ["it is gone"]


def test_the_hosts_for_the_preload() -> None:
    found = variables.host_list(Hosts(parse_extra(["fal.mine.test"]))).split(",")
    assert {
        ".fal.run",
        ".fal.ai",
        ".fal.media",
        "storage.googleapis.com",
        "fal.mine.test",
        "queue.fal.mine.test",
    } <= set(found)
    assert not {"fal.run", "queue.fal.run"} & set(found)
