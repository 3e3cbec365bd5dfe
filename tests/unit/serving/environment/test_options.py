"""Options of runtimes, in the variables that hold them."""

from __future__ import annotations

import pytest

from falmock.serving.environment import options

URL = "http://127.0.0.1:8080"
PROXY = "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=8080 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8080"
STORE = "-Djavax.net.ssl.trustStore="


@pytest.mark.parametrize(
    ("preload", "word"),
    [
        ("/a/p.cjs", "/a/p.cjs"),
        ("/a b/p.cjs", '"/a b/p.cjs"'),
        ('/a "b"/p.cjs', '"/a \\"b\\"/p.cjs"'),
        ("/it's/p.cjs", "/it's/p.cjs"),
        (r"C:\falmock\p.cjs", r"C:\falmock\p.cjs"),
        (r"C:\Program Files\p.cjs", r'"C:\\Program Files\\p.cjs"'),
    ],
)
def test_node(preload: str, word: str) -> None:
    assert options.node("", preload) == f"--require {word}"
    both = options.node("--max-old-space-size=64", preload)
    assert both == f"--max-old-space-size=64 --require {word}"
    assert options.node(both, preload) == both


@pytest.mark.parametrize(
    ("preload", "word"),
    [
        ("/a/p.cjs", "--preload=/a/p.cjs"),
        ("/it's a/p.cjs", '"--preload=/it\'s a/p.cjs"'),
        (r"C:\Program Files\p.cjs", r'"--preload=C:\Program Files\p.cjs"'),
    ],
)
def test_bun(preload: str, word: str) -> None:
    assert options.bun("", preload) == word
    both = options.bun("--smol", preload)
    assert both == f"--smol {word}"
    assert options.bun(both, preload) == both


@pytest.mark.parametrize(
    ("store", "word"),
    [
        ("/a/t.jks", f"{STORE}/a/t.jks"),
        ("/a b/t.jks", f'"{STORE}/a b/t.jks"'),
        ("/it's/t.jks", f'"{STORE}/it\'s/t.jks"'),
        ('/a"b/t.jks', f'"{STORE}/a"\'"\'"b/t.jks"'),
        (r"C:\Program Files\t.jks", rf'"{STORE}C:\Program Files\t.jks"'),
    ],
)
def test_java(store: str, word: str) -> None:
    assert options.java("", URL, store, []) == f"{PROXY} {word}"
    assert options.java("-Xmx64m", URL, store, []) == f"-Xmx64m {PROXY} {word}"


def test_java_keeps_a_trust_store_and_a_list_of_hosts() -> None:
    mine = f"{STORE}/mine.p12 -Dhttp.nonProxyHosts=a.test"
    assert options.java(mine, URL, "/ours.jks", ["b.test"]) == f"{mine} {PROXY}"


def test_java_is_told_the_hosts_without_a_proxy() -> None:
    made = options.java("", URL, "/t.jks", ["localhost", ".a.test", "*.b.test", "10.1.2.3", "10.0.0.0/8", "::1"])
    assert (
        f"{PROXY} -Dhttp.nonProxyHosts=localhost|127.*|[::1]|0.0.0.0|[::0]|a.test|*.a.test|b.test|*.b.test|10.1.2.3 "
        in made
    )


def test_java_at_an_ipv6_address() -> None:
    assert "-Dhttps.proxyHost=::1 -Dhttps.proxyPort=7" in options.java("", "http://[::1]:7", "/t.jks", [])


@pytest.mark.parametrize(
    ("current", "separator", "first", "last"),
    [
        ("", ":", "/x", ":/x"),
        ("/a:/b", ":", "/x:/a:/b", "/a:/b:/x"),
        ("/a:/x", ":", "/a:/x", "/a:/x"),
        (r"C:\a", ";", r"/x;C:\a", r"C:\a;/x"),
    ],
)
def test_a_list_of_folders(current: str, separator: str, first: str, last: str) -> None:
    assert options.with_path(current, "/x", separator, first=True) == first
    assert options.with_path(current, "/x", separator, first=False) == last
