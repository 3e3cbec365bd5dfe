"""Host names: what is one for routing is one for every other question, and no text is too odd to be asked about."""

from __future__ import annotations

from hypothesis import strategies as st

from falmock.wire import hosts
from fuzz.strategies.http_requests import HOSTS
from fuzz.strategies.texts import TEXTS

CASES = (
    HOSTS
    | TEXTS
    | st.tuples(TEXTS, st.sampled_from(["fal.run", ".fal.run", ".fal.media", "fal.ai", ":443"])).map("".join)
)


def check(name: str) -> None:
    known = hosts.Hosts()
    normal = hosts.normalize(name)
    assert hosts.normalize(normal) == normal
    assert known.owns(name) == known.owns(normal)
    if known.owns(name):
        assert known.claims(normal, "/a/b"), "falmock neither answers for it nor lets anybody connect to it"
    if hosts.is_fals(normal) and normal != hosts.GCS_HOST:
        assert known.owns(name), "a host of fal's that can be reached"
    try:
        extra = hosts.parse_extra([name])
    except hosts.BadHost as error:
        assert str(error)
    else:
        assert all(hosts.Hosts(extra).role(host) is extra[host] for host in extra)
