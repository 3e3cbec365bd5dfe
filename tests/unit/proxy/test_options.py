from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Mode
from falmock.proxy import options
from falmock.proxy.options import BadOption
from falmock.wire.hosts import Role

DEFAULTS = {option.name: options.defaults(option) for option in options.OPTIONS}


def parse(environment: dict[str, str] | None = None, **values: list[str]) -> object:
    return options.parse({**DEFAULTS, **values}, environment or {})


def test_the_defaults() -> None:
    config = options.parse(DEFAULTS, {})
    assert config.mode is Mode.REPLAY
    assert config.fixtures == ("./fixtures",)
    assert config.job_ttl == 3600
    assert config.max_jobs == 10_000
    assert not config.auth.required
    assert config.hosts.extra == frozenset()


def test_keys_are_read_from_the_environment() -> None:
    config = options.parse({**DEFAULTS, "fal_auth": ["env:KEYS"]}, {"KEYS": "a:b, c:d"})
    assert config.auth.keys == ("a:b", "c:d")


def test_a_key_given_by_mistake_is_not_repeated() -> None:
    with pytest.raises(BadOption) as caught:
        parse(fal_auth=["kid:ksecret"])
    assert "ksecret" not in str(caught.value)


def test_extra_hosts() -> None:
    config = options.parse({**DEFAULTS, "fal_hosts": ["mine.test", "files.test=cdn"]}, {})
    assert config.hosts.role("mine.test") is Role.RUN
    assert config.hosts.role("queue.mine.test") is Role.QUEUE
    assert config.hosts.role("files.test") is Role.CDN


def test_the_hosts_of_webhooks() -> None:
    config = options.parse({**DEFAULTS, "fal_webhook_hosts": ["LocalHost.", "*.Example.com", "::1"]}, {})
    assert config.webhook_hosts == ("localhost", "*.example.com", "::1")
    assert options.parse(DEFAULTS, {}).webhook_hosts == ()


@pytest.mark.parametrize("text", ["http://localhost", "localhost:8000", "127.0.0.1:80", "localhost/hook", "[ab].com", "a b"])
def test_what_is_no_host_of_webhooks(text: str) -> None:
    with pytest.raises(BadOption, match="fal_webhook_hosts: expected a host name without scheme, port or path"):
        parse(fal_webhook_hosts=[text])


@given(st.sampled_from(options.NAMES), st.lists(st.text(max_size=15), max_size=3))
def test_any_value_is_taken_or_refused_by_name(name: str, values: list[str]) -> None:
    told = name
    try:
        options.parse({**DEFAULTS, name: values}, {})
    except BadOption as error:
        told = str(error)
    assert told.startswith(name)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"fal_max_jobs": 5}, {"fal_max_jobs": ["5"]}),
        ({"fal_mode": True}, {"fal_mode": ["True"]}),
        ({"fal_fixtures": ["a", 1]}, {"fal_fixtures": ["a", "1"]}),
        ({"fal_mode": None}, {"fal_mode": []}),
        ({"fal_mode": {"a": 1}}, {"fal_mode": ["{'a': 1}"]}),
        ({"fal_other": 5, "mode": 5}, {}),
    ],
)
def test_values_of_a_config_file_become_sequences(given: dict[str, object], taken: dict[str, list[str]]) -> None:
    assert options.as_sequences(given) == taken


def test_unknown_names_of_ours_are_told() -> None:
    options.check_names(["mode", "falcon", "fal_mode"])
    with pytest.raises(BadOption, match="fal_pase, did you mean 'fal_pace'"):
        options.check_names(["fal_pase"])


def test_what_does_not_count() -> None:
    config = options.parse({**DEFAULTS, "fal_ignore": ["seed", "fal-ai/*=@uuid"]}, {})
    assert config.ignore.paths("a/b") == ("seed",)
    assert config.ignore == options.parse({**DEFAULTS, "fal_ignore": ["seed", "fal-ai/*=@uuid"]}, {}).ignore
    with pytest.raises(BadOption, match=r"fal_ignore: there is no shape '@uid', did you mean 'uuid'\?"):
        parse(fal_ignore=["@uid"])


def test_what_is_hidden() -> None:
    config = options.parse({**DEFAULTS, "fal_redact": ["X-Mine", "/cust-[0-9]+/"]}, {})
    assert config.redact == (("X-Mine",), ("cust-[0-9]+",))
    with pytest.raises(BadOption, match=r"fal_redact: '/\(/' is not a regular expression: missing \)"):
        parse(fal_redact=["/(/"])
