from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Dialect
from falmock.engine.config import Mode
from falmock.engine.jobs.pace import MANUAL
from falmock.proxy import option_values
from falmock.proxy import options
from falmock.proxy.options import BadOption
from falmock.wire.hosts import Role

DEFAULTS = {option.name: options.defaults(option) for option in options.OPTIONS}


def parse(environment: dict[str, str] | None = None, **values: list[str]) -> object:
    return option_values.parse({**DEFAULTS, **values}, environment or {})


def test_the_defaults() -> None:
    config = option_values.parse(DEFAULTS, {})
    assert config.mode is Mode.REPLAY
    assert config.fixtures == ("./fixtures",)
    assert config.job_ttl == 3600
    assert config.max_jobs == 10_000
    assert not config.auth.required
    assert config.hosts.extra == frozenset()


@pytest.mark.parametrize(("text", "token"), [([], ""), (["abcdefgh"], "abcdefgh"), (["env:TOKEN"], "from-the.env~1=")])
def test_a_token_for_the_control_api(text: list[str], token: str) -> None:
    config = option_values.parse({**DEFAULTS, "fal_control_token": text}, {"TOKEN": " from-the.env~1= "})
    assert config.control_token == token


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (["env:NOTHING"], "environment variable 'NOTHING', found it empty or not set"),
        (["hushhus"], "8 characters or more"),
        (["hush hush hush"], "found 14 characters"),
        (["hush-é-hush"], "found 11 characters"),
        (["hushhush", "hushhush"], "expected one token, found 2"),
    ],
)
def test_a_token_that_is_none_is_not_repeated(text: list[str], said: str) -> None:
    with pytest.raises(BadOption) as raised:
        parse(fal_control_token=text)
    assert said in str(raised.value)
    assert "hush" not in str(raised.value)


def test_the_pace_of_the_control_api() -> None:
    assert parse(fal_pace=["manual"]).pace is MANUAL
    with pytest.raises(BadOption, match="did you mean 'manual'"):
        parse(fal_pace=["manuel"])


def test_keys_are_read_from_the_environment() -> None:
    config = option_values.parse({**DEFAULTS, "fal_auth": ["env:KEYS"]}, {"KEYS": "a:b, c:d"})
    assert config.auth.keys == ("a:b", "c:d")


def test_a_key_given_by_mistake_is_not_repeated() -> None:
    with pytest.raises(BadOption) as caught:
        parse(fal_auth=["kid:ksecret"])
    assert "ksecret" not in str(caught.value)


def test_extra_hosts() -> None:
    config = option_values.parse({**DEFAULTS, "fal_hosts": ["mine.test", "files.test=cdn"]}, {})
    assert config.hosts.role("mine.test") is Role.RUN
    assert config.hosts.role("queue.mine.test") is Role.QUEUE
    assert config.hosts.role("files.test") is Role.CDN


def test_the_hosts_of_webhooks() -> None:
    config = option_values.parse({**DEFAULTS, "fal_webhook_hosts": ["LocalHost.", "*.Example.com", "::1"]}, {})
    assert config.webhook_hosts == ("localhost", "*.example.com", "::1")
    assert option_values.parse(DEFAULTS, {}).webhook_hosts == ()


@pytest.mark.parametrize(
    "text", ["http://localhost", "localhost:8000", "127.0.0.1:80", "localhost/hook", "[ab].com", "a b"]
)
def test_what_is_no_host_of_webhooks(text: str) -> None:
    with pytest.raises(BadOption, match="fal_webhook_hosts: expected a host name without scheme, port or path"):
        parse(fal_webhook_hosts=[text])


def test_the_addresses_of_fals_names() -> None:
    assert list(map(str, parse().dns_addresses)) == ["198.18.0.1"]
    assert list(map(str, parse(fal_dns_address=["4000::1", " 10.0.0.1 "]).dns_addresses)) == ["4000::1", "10.0.0.1"]
    with pytest.raises(BadOption, match=r"fal_dns_address: expected .*, found 'localhost'"):
        parse(fal_dns_address=["localhost"])


@pytest.mark.parametrize("path", ["/api/fal/proxy", "/proxy", "/a/b-c_d.e~f/1", "/falx", "/v1x/fal"])
def test_the_path_of_the_server_proxy(path: str) -> None:
    assert option_values.parse({**DEFAULTS, "fal_proxy_path": [path]}, {}).proxy_path == path


@pytest.mark.parametrize(
    "path", ["/", "api/fal", "/a/", "//a", "/a?b", "/a#b", "/a b", "/%61", "/é", "http://x/y", "/a\nb"]
)
def test_what_is_no_path_of_the_server_proxy(path: str) -> None:
    with pytest.raises(BadOption, match="fal_proxy_path: expected a path such as /api/fal/proxy, found"):
        parse(fal_proxy_path=[path])


@pytest.mark.parametrize("path", ["/health", "/v1", "/v1/models", "/__falmock/jobs", "/fal/proxy", "/ready/x"])
def test_paths_that_other_doors_have(path: str) -> None:
    with pytest.raises(BadOption, match="fal_proxy_path: expected a path that is free, found"):
        parse(fal_proxy_path=[path])


def test_the_profile_of_the_server_proxy() -> None:
    config = option_values.parse({**DEFAULTS, "fal_proxy_profile": ["official"]}, {})
    assert (option_values.parse(DEFAULTS, {}).proxy_profile.value, config.proxy_profile.value) == (
        "documented",
        "official",
    )
    with pytest.raises(BadOption, match=r"expected documented or official, found 'offical'.*official"):
        parse(fal_proxy_profile=["offical"])


@given(st.sampled_from(options.NAMES), st.lists(st.text(max_size=15), max_size=3))
def test_any_value_is_taken_or_refused_by_name(name: str, values: list[str]) -> None:
    told = name
    try:
        option_values.parse({**DEFAULTS, name: values}, {})
    except BadOption as error:
        told = str(error)
    assert told.startswith(name)


def test_what_does_not_count() -> None:
    config = option_values.parse({**DEFAULTS, "fal_ignore": ["seed", "fal-ai/*=@uuid"]}, {})
    assert config.ignore.paths("a/b") == ("seed",)
    assert config.ignore == option_values.parse({**DEFAULTS, "fal_ignore": ["seed", "fal-ai/*=@uuid"]}, {}).ignore
    with pytest.raises(BadOption, match=r"fal_ignore: there is no shape '@uid', did you mean 'uuid'\?"):
        parse(fal_ignore=["@uid"])


def test_what_is_hidden() -> None:
    config = option_values.parse({**DEFAULTS, "fal_redact": ["X-Mine", "/cust-[0-9]+/"]}, {})
    assert config.redact == (("X-Mine",), ("cust-[0-9]+",))
    with pytest.raises(BadOption, match=r"fal_redact: '/\(/' is not a regular expression: missing \)"):
        parse(fal_redact=["/(/"])


def test_the_models_of_the_openai_door() -> None:
    given = {**DEFAULTS, "fal_openai_models": ["a:b/c,d:e/f", "g/h"]}
    environment = {"SUPPORTED_MODELS": "x:y/z"}
    models = (("a", "b/c"), ("d", "e/f"), ("g/h", "g/h"))
    assert option_values.parse(given, environment).openai_models == models
    assert option_values.parse(DEFAULTS, environment).openai_models == (("x", "y/z"),)
    assert option_values.parse(DEFAULTS, {}).openai_models == ()


def test_models_of_the_openai_door_that_are_none() -> None:
    with pytest.raises(BadOption, match=r"fal_openai_models: expected alias:endpoint id, .* found 'flux'"):
        parse(fal_openai_models=["flux"])
    with pytest.raises(BadOption, match=r"from SUPPORTED_MODELS in the environment: .* found 'gpt-4'"):
        parse({"SUPPORTED_MODELS": "gpt-4"})


def test_the_keys_of_the_openai_door() -> None:
    ours = option_values.parse(DEFAULTS, {"AI_KEYS": "a:1, b:2,a:1", "FAL_KEY": "c:3", "CUSTOM_ACCESS_KEY": " mine "})
    assert (ours.fal_keys, ours.openai_access_key) == (("a:1", "b:2"), "mine")
    assert option_values.parse(DEFAULTS, {"FAL_KEY": "c:3"}).fal_keys == ("c:3",)
    assert (option_values.parse(DEFAULTS, {}).fal_keys, option_values.parse(DEFAULTS, {}).openai_access_key) == ((), "")
    assert "a:1" not in repr(ours)
    assert "mine" not in repr(ours)


def test_a_dialect() -> None:
    assert option_values.parse(DEFAULTS, {}).dialect is Dialect.FAL
    assert option_values.parse({**DEFAULTS, "fal_dialect": ["aimock"]}, {}).dialect is Dialect.AIMOCK
    with pytest.raises(BadOption, match="fal_dialect: expected fal or aimock, found 'aimok', did you mean 'aimock'"):
        option_values.parse({**DEFAULTS, "fal_dialect": ["aimok"]}, {})


@pytest.mark.parametrize("text", ["0s", "soon", "-1s"])
def test_what_is_no_time_to_live(text: str) -> None:
    with pytest.raises(BadOption, match="fal_job_ttl: "):
        option_values.parse({**DEFAULTS, "fal_job_ttl": [text]}, {})


@pytest.mark.parametrize(("text", "seconds"), [("none", None), ("90d", 7_776_000), ("12h", 43_200), ("1.5d", 129_600)])
def test_how_old_recordings_may_be(text: str, seconds: float | None) -> None:
    config = option_values.parse({**DEFAULTS, "fal_max_age": [text]}, {})
    assert (config.max_age, config.max_age_text) == (seconds, text)


@pytest.mark.parametrize("text", ["0d", "90", "90 days", "d", "-1d", "1w", "never"])
def test_no_age(text: str) -> None:
    with pytest.raises(BadOption, match="fal_max_age: expected an age such as 90d or 12h, or none, found"):
        parse(fal_max_age=[text])


def test_the_store() -> None:
    assert option_values.parse(DEFAULTS).store == "memory"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["redis://:hunter2@a?wait=3"], "fal_store: expected memory or the URL of a store: "),
        (["http://:hunter2@a"], "'http://...@a' names no store: expected a URL that begins with redis://, rediss://, "),
        (["hunter2"], "fal_store: expected memory or the URL of a store such as redis://HOST, found another text"),
        (["redis://:hunter2@a", "redis://:hunter2@b"], "fal_store: expected one value such as memory, found 2"),
    ],
)
def test_bad_stores_are_told_without_their_passwords(given: list[str], text: str) -> None:
    with pytest.raises(BadOption) as raised:
        option_values.parse({**DEFAULTS, "fal_store": given})
    assert text in str(raised.value)
    assert "hunter2" not in str(raised.value)
