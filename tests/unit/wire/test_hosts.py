from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.hosts import BadHost
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.hosts import parse_extra


@pytest.mark.parametrize(
    ("host", "role"),
    [
        ("fal.run", Role.RUN),
        ("queue.fal.run", Role.QUEUE),
        ("falrun.com", Role.RUN),
        ("queue.falrun.com", Role.QUEUE),
        ("rest.fal.ai", Role.REST),
        ("rest.alpha.fal.ai", Role.REST),
        ("v3.fal.media", Role.CDN),
        ("v3b.fal.media", Role.CDN),
        ("fal.media", Role.CDN),
        ("storage.googleapis.com", Role.GCS),
        ("router.huggingface.co", Role.ROUTER),
        ("ws.fal.run", Role.WS),
        ("wma.fal.run", Role.OTHER),
        ("api.fal.ai", Role.OTHER),
        ("fal.ai", Role.OTHER),
        ("auth.fal.ai", Role.OTHER),
        ("gateway.fal.ai", Role.OTHER),
        ("new.fal.run", Role.OTHER),
        ("a.b.fal.ai", Role.OTHER),
        ("v1.fal.media", Role.CDN),
        ("v2.fal.media", Role.CDN),
        ("v4.fal.media", Role.CDN),
        ("v12b.fal.media", Role.CDN),
        ("fal-cdn.batuhan-941.workers.dev", Role.CDN),
        ("unheard-of.fal.media", Role.CDN),
        ("110602490-fast-sdxl.gateway.alpha.fal.ai", Role.OTHER),
        ("run.fal.dev", Role.OTHER),
        ("rest.falrun.com", Role.OTHER),
        ("notfal.run", None),
        ("fal.run.example.com", None),
        ("fal.example", None),
        ("googleapis.com", None),
        ("huggingface.co", Role.HF),
        ("v2.fal.media.example.com", None),
        ("batuhan-941.workers.dev", None),
        ("localhost", None),
        ("", None),
    ],
)
def test_what_a_host_serves(host: str, role: Role | None) -> None:
    assert Hosts().role(host) is role


@pytest.mark.parametrize(
    "host", ["FAL.run", "Queue.Fal.Run.", "unheard-of.fal.media", "v2.fal.media", "falrun.com", "run.fal.dev"]
)
def test_every_connection_to_a_host_of_fals_is_owned(host: str) -> None:
    assert Hosts().owns(host)


@pytest.mark.parametrize(
    "host",
    ["storage.googleapis.com", "router.huggingface.co", "huggingface.co", "example.com", "fal.run.evil.test"],
)
def test_a_host_that_others_use_too_is_not_owned(host: str) -> None:
    assert not Hosts().owns(host)


@pytest.mark.parametrize(
    ("host", "path", "claimed"),
    [
        ("fal.run", "/", True),
        ("other.fal.ai", "/anything", True),
        ("storage.googleapis.com", "/falserverless/a.png", True),
        ("storage.googleapis.com", "/falserverless-not/a.png", False),
        ("storage.googleapis.com", "/someone/falserverless/a.png", False),
        ("storage.googleapis.com", "/fal-flux-lora/a.safetensors", True),
        ("storage.googleapis.com", "/isolate-dev-hot-rooster_toolkit_bucket/a.png?X-Goog-Expires=1", True),
        ("huggingface.co", "/api/models/a/b?expand=inferenceProviderMapping", True),
        ("huggingface.co", "/api/models/a/b?expand[]=inferenceProviderMapping", True),
        ("huggingface.co", "/api/models/a/b?expand%5B%5D=inferenceProviderMapping&x=1", True),
        ("huggingface.co", "/api/models/gpt2?expand=inferenceProviderMapping", True),
        ("huggingface.co", "/api/models/a/b", False),
        ("huggingface.co", "/api/models/a/b?expand=downloads", False),
        ("huggingface.co", "/api/models/a/b?expand=inferenceProviderMapping&expand=downloads", False),
        ("huggingface.co", "/api/models/a/b/revision/main?expand=inferenceProviderMapping", False),
        ("huggingface.co", "/api/datasets/a/b?expand=inferenceProviderMapping", False),
        ("huggingface.co", "/a/b/resolve/main/x?expand=inferenceProviderMapping", False),
        ("router.huggingface.co", "/fal-ai/fal-ai/flux/dev", True),
        ("router.huggingface.co", "/together/v1/chat", False),
        ("example.com", "/fal-ai/flux", False),
    ],
)
def test_requests_that_are_ours_to_answer(host: str, path: str, *, claimed: bool) -> None:
    assert Hosts().claims(host, path) is claimed


@pytest.mark.parametrize(
    ("specs", "roles"),
    [
        ([], {}),
        (["fal.example.com"], {"fal.example.com": Role.RUN, "queue.fal.example.com": Role.QUEUE}),
        (["Fal.Example.COM."], {"fal.example.com": Role.RUN, "queue.fal.example.com": Role.QUEUE}),
        (["cdn.example.com=cdn"], {"cdn.example.com": Role.CDN}),
        ([" rest.example.com = rest "], {"rest.example.com": Role.REST}),
        (["a.test=run", "q.test=queue"], {"a.test": Role.RUN, "q.test": Role.QUEUE}),
        (["localhost=run"], {"localhost": Role.RUN}),
        (["huggingface.co=hf"], {"huggingface.co": Role.HF}),
        (["127.0.0.1=cdn"], {"127.0.0.1": Role.CDN}),
    ],
)
def test_extra_hosts(specs: list[str], roles: dict[str, Role]) -> None:
    assert parse_extra(specs) == roles


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "host name"),
        ("https://fal.example.com", "without scheme"),
        ("fal.example.com:443", "port"),
        ("fal.example.com/x", "path"),
        ("-a.test", "host name"),
        ("a..test", "host name"),
        ("*.example.com", "host name"),
        ("a b", "host name"),
        ("é .test", "host name"),
        ("a.test\r\nb.test", "host name"),
        (f"{'a' * 254}", "host name"),
        ("=run", "host name"),
        ("a.test=", "unknown role ''"),
        ("a.test=gcs", "unknown role 'gcs'"),
        ("a.test=Run", "one of run, queue, rest, cdn"),
        ("a.test=run=queue", "unknown role"),
    ],
)
def test_specifications_that_are_no_host(spec: str, words: str) -> None:
    with pytest.raises(BadHost, match=words) as caught:
        parse_extra(["good.test", spec])
    assert repr(spec) in str(caught.value)


@given(st.text(max_size=30) | st.from_regex(r"[a-z.=-]{1,30}", fullmatch=True))
def test_any_specification_is_read_or_refused_in_words(spec: str) -> None:
    with contextlib.suppress(BadHost):
        hosts = Hosts(parse_extra([spec]))
        assert hosts.extra
        assert all(hosts.owns(name) for name in hosts.extra)


def test_extra_hosts_stand_beside_fals_own() -> None:
    hosts = Hosts({"fal.example.com": Role.RUN})
    assert hosts.role("fal.example.com") is Role.RUN
    assert hosts.role("queue.fal.run") is Role.QUEUE
    assert hosts.role("other.example.com") is None
    assert len(hosts) == len(Hosts()) + 1


@pytest.mark.parametrize("specs", [["queue.x.test=cdn", "x.test"], ["x.test", "queue.x.test=cdn"]])
def test_a_role_said_outright_holds_wherever_it_stands(specs: list[str]) -> None:
    assert parse_extra(specs) == {"x.test": Role.RUN, "queue.x.test": Role.CDN}


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("fal.run", True),
        ("fal.dev", True),
        ("v7b.fal.media", True),
        ("yours.example.com", True),
        ("v7c.fal.media", False),
        ("cdn.fal.media", False),
        ("new.fal.run", False),
        ("api.fal.dev", False),
    ],
)
def test_hosts_of_fals_that_are_not_known(host: str, *, known: bool) -> None:
    assert Hosts({"yours.example.com": Role.RUN}).knows(host) is known


def test_a_host_of_hugging_face_is_ours_altogether_only_if_it_is_asked_for() -> None:
    usual, asked = Hosts(), Hosts({"huggingface.co": Role.HF})
    for hosts, ours in ((usual, False), (asked, True)):
        assert hosts.owns("huggingface.co") is ours
        assert hosts.claims("huggingface.co", "/a/b/resolve/main/config.json") is ours
        assert hosts.may_pass("huggingface.co") is not ours
    assert not usual.may_pass("fal.run")
