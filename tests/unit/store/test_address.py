"""Addresses of stores: what is taken, what is refused, and that no password is shown."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.store.address import PASSWORD
from falmock.store.address import BadAddress
from falmock.store.address import parse

SECRET = "geheim/!"
QUOTED = "geheim%2F!"


@pytest.mark.parametrize(
    ("url", "shown", "found"),
    [
        ("redis://h", "redis://h:6379/0", {"host": "h", "port": 6379, "db": 0, "tls": False}),
        ("valkey://h:1/3", "valkey://h:1/3", {"host": "h", "port": 1, "db": 3, "tls": False}),
        ("rediss://[::1]:2/", "rediss://[::1]:2/0", {"host": "::1", "port": 2, "tls": True}),
        ("valkeys://h", "valkeys://h:6379/0", {"tls": True, "ca": None}),
        (f"redis://:{QUOTED}@h", "redis://h:6379/0", {"password": SECRET, "user": None}),
        (f"redis://me:{QUOTED}@h", "redis://me@h:6379/0", {"password": SECRET, "user": "me"}),
        ("unix:///run/a%20b.sock?db=2", "unix:///run/a b.sock", {"socket": "/run/a b.sock", "host": "", "db": 2}),
        (f"unix://:{QUOTED}@/run/r.sock", "unix:///run/r.sock", {"socket": "/run/r.sock", "password": SECRET}),
        ("redis://h?prefix=ci-7:&timeout=0.5", "redis://h:6379/0", {"prefix": "ci-7:", "timeout": 0.5}),
        ("redis://h", "redis://h:6379/0", {"prefix": "fm:", "timeout": 1.0, "password": None}),
    ],
)
def test_addresses(url: str, shown: str, found: dict[str, object]) -> None:
    address = parse(url, {})
    assert address.shown == shown
    assert {name: getattr(address, name) for name in found} == found
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("memry", "'memry' names no store: expected a URL that begins with redis://, "),
        ("reddis://h", "did you mean 'redis'?"),
        ("redis:h", "names no store"),
        ("redis://", "names no host: expected redis://HOST:PORT/DB"),
        ("redis://h:x", "is not a URL"),
        ("redis://h:99999", "is not a URL"),
        ("redis://h/one", "the database is 'one', expected a number such as 0"),
        ("redis://h/-1", "the database is '-1'"),
        ("redis://h/1/2", "the database is '1/2'"),
        ("redis://h?db=1", "unknown parameter 'db'"),
        ("redis://h?prefx=a", "unknown parameter 'prefx', did you mean 'prefix'?"),
        ("redis://h?zzz=a", "unknown parameter 'zzz', expected prefix, timeout, password_file or files"),
        (
            "redis://h?files=/none",
            "files '/none' is not a folder that can be written: expected one that all falmocks share",
        ),
        ("redis://h?ca=x", "unknown parameter 'ca'"),
        ("redis://h?prefix=a&prefix=b", "'prefix' is there twice"),
        ("redis://h?prefix=", "prefix is '', expected text"),
        ("redis://h?prefix={a}", "prefix is '{a}', expected text without spaces and braces"),
        ("redis://h?timeout=fast", "timeout is 'fast', expected seconds"),
        ("redis://h?timeout=0", "timeout is '0', expected seconds"),
        ("redis://h?timeout=nan", "timeout is 'nan', expected seconds"),
        ("redis://me@h", "names a user and no password"),
        ("unix://run/r.sock", "expected unix:///PATH, with three slashes"),
        ("unix:///", "names no socket"),
        ("rediss://h?ca=/none.pem", "ca '/none.pem' cannot be read: No such file"),
        ("redis://h?password_file=/none", "password_file '/none' cannot be read: No such file"),
        ("redis://h#x", "expected / as %2F, ? as %3F, # as %23, @ as %40"),
    ],
)
def test_errors_say_what_was_found_and_expected(url: str, told: str) -> None:
    with pytest.raises(BadAddress) as error:
        parse(url, {})
    assert told in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:{}@h:x",
        "redis://:{}@h?prefx=a",
        "redis://:a{}#b@h",
        "redis://:{}@[h",
        "redis://:{}@h/x",
        "rdis://me:{}@h",
        "redis:me:{}@h",
        "redis://h?password={}",
        "redis://h?password={}#x",
        "redis://:/{}@h",
        "redis://:?{}@h",
        "redis://:a@{}@h:x",
        "redis://:{}@",
        "unix://:{}@h/x",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    with pytest.raises(BadAddress) as error:
        parse(url.format("geheim"), {})
    assert "geheim" not in str(error.value)
    assert error.value.__cause__ is None


def test_where_the_password_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    environ = {PASSWORD: "other"}
    assert parse("redis://h", environ).password == "other"
    assert parse("redis://:mine@h", environ).password == "mine"
    found = parse(f"redis://me@h?password_file={file}", environ)
    assert (found.user, found.password, found.shown) == ("me", SECRET, "redis://me@h:6379/0")
    with pytest.raises(BadAddress, match="expected one of them"):
        parse(f"redis://:mine@h?password_file={file}", environ)
    file.write_text("\n")
    with pytest.raises(BadAddress, match="is empty: expected a password"):
        parse(f"redis://h?password_file={file}", environ)
    file.write_bytes(b"\xff")
    with pytest.raises(BadAddress, match="is not text in UTF-8"):
        parse(f"redis://h?password_file={file}", environ)


def test_a_folder_for_files(tmp_path: Path) -> None:
    assert parse("redis://h", {}).files is None
    assert parse(f"redis://h?files={tmp_path}", {}).files == str(tmp_path)


def test_certificates(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("none")
    with pytest.raises(BadAddress, match="has no certificates: expected a file in PEM"):
        parse(f"rediss://h?ca={file}", {})
    own = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    if own.exists():
        assert parse(f"rediss://h?ca={own}", {}).ca == str(own)


@given(st.text(max_size=30), st.sampled_from(["", "redis://", "unix://", "redis://:geheim@", "redis://:/geheim@"]))
def test_any_text_is_an_address_or_an_error(text: str, begin: str) -> None:
    try:
        shown = parse(begin + text, {}).shown
    except BadAddress as error:
        shown = str(error)
    assert "geheim" not in shown
