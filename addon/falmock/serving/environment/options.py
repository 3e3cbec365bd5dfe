"""The variables that hold options of a runtime: what falmock adds to a user's own, quoted as the runtime reads it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from falmock.serving.environment.no_proxy import LOOPBACK

TRUST_STORE = "-Djavax.net.ssl.trustStore="
_NO_PROXY_HOSTS = "-Dhttp.nonProxyHosts="
_JAVA_DEFAULT = ("localhost", "127.*", "[::1]", "0.0.0.0", "[::0]")  # noqa: S104 - names that are compared


def node(current: str, preload: str) -> str:
    """The value of NODE_OPTIONS. Node.js splits it at spaces; within double quotes a backslash stands before any character."""
    word = preload
    if '"' in preload or preload.split() != [preload]:
        escaped = preload.replace("\\", "\\\\").replace('"', '\\"')
        word = f'"{escaped}"'
    return current if word in current else f"{current} --require {word}".lstrip()


def bun(current: str, preload: str) -> str:
    """The value of BUN_OPTIONS. Bun splits it at spaces, but for words that begin and end with a quote."""
    word = f"--preload={preload}"
    if word.split() != [word]:
        word = f'"{word}"'
    return current if word in current else f"{current} {word}".lstrip()


def java(current: str, url: str, trust_store: str, no_proxy: Iterable[str]) -> str:
    """The value of JAVA_TOOL_OPTIONS. Of an option that is there twice, the JVM takes the last.

    A trust store of the user's stays, and so does a list of hosts without a proxy.
    """
    parts = urlsplit(url)
    options = [
        f"-D{scheme}.proxy{what}"
        for scheme in ("http", "https")
        for what in (f"Host={parts.hostname}", f"Port={parts.port}")
    ]
    more = [pattern for entry in no_proxy if entry not in LOOPBACK for pattern in _java_patterns(entry)]
    if more and _NO_PROXY_HOSTS not in current:
        options.append(_NO_PROXY_HOSTS + "|".join((*_JAVA_DEFAULT, *more)))
    if TRUST_STORE not in current:
        options.append(TRUST_STORE + trust_store)
    return " ".join((*([current] if current else ()), *map(_java_word, options)))


def _java_patterns(entry: str) -> list[str]:
    """What an entry of NO_PROXY is for Java, which knows no networks: a name stands for itself and all names below it."""
    name = entry.lstrip("*.")
    if "/" in name or not name:
        return []
    return [name] if name[-1].isdigit() or ":" in name else [name, f"*.{name}"]


def _java_word(option: str) -> str:
    """An option as one word. The JVM splits at white space, and quotes of either kind hold all but themselves."""
    if option.split() == [option] and '"' not in option and "'" not in option:
        return option
    return "'\"'".join(f'"{part}"' if part else "" for part in option.split('"'))


def with_path(current: str, path: str, separator: str, *, first: bool) -> str:
    """A list of folders with one more: the first, or the last. An empty folder in the list stays."""
    if path in current.split(separator):
        return current
    return f"{path}{separator}{current}".rstrip(separator) if first else f"{current}{separator}{path}"
