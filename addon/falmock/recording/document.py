"""Fixture files as documents: which entries match the same calls, and how recordings change them. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from falmock.fixtures.format import codec
from falmock.fixtures.matching.canonical import FILE
from falmock.fixtures.matching.canonical import canonical_text
from falmock.fixtures.matching.match import ANY
from falmock.fixtures.matching.match import REGEX
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Problem
from falmock.recording.files import reference
from falmock.recording.outcome import Save
from falmock.recording.response import file_value
from falmock.recording.uploads import File
from falmock.recording.uploads import url_key
from falmock.recording.values import Entry
from falmock.recording.values import mapped
from falmock.recording.values import texts
from falmock.recording.values import values
from falmock.redaction.redactor import Redactor
from falmock.redaction.redactor import any_query
from falmock.wire import endpoint
from falmock.wire import storage
from falmock.wire.formats import jsontext
from falmock.wire.formats.media import type_of

MAX_URLS = 100
"""How many URLs one entry keeps: a call that is repeated all the time has new ones each time."""
_UNSAFE = frozenset('<>:"|*')


class NotAFixture(ValueError):
    """An entry or a file that would not load; `problems` say why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, problems)))


def render(document: Mapping[str, Any]) -> bytes:
    """The bytes of a fixture file; the same document always gives the same bytes."""
    return jsontext.dump_exact(document, indent=2).encode()


def groups(document: Any, label: str) -> list[str]:
    """The rule of each entry of a file; entries with the same rule answer in turn. Raises NotAFixture.

    Entries for other providers than fal (aimock's) have the rule "".
    """
    decoded = codec.check(document, label, _any_asset)
    if decoded.problems:
        raise NotAFixture(decoded.problems)
    by_place = {fixture.place: fixture.group for fixture in decoded.fixtures}
    return [by_place.get(place, "") for place in range(len(document["fixtures"]))]


def group_of(entry: Entry) -> str:
    """The rule of one entry. Raises NotAFixture."""
    return groups({"fixtures": [entry]}, "the recording")[0]


def _any_asset(name: str) -> Asset:
    """An asset by name only: whether it exists is checked when fixtures are loaded."""
    sha256 = name.removeprefix("sha256:") if name.startswith("sha256:") else storage.digest(name.encode())
    return Asset(sha256, name, type_of(name), 0, data=b"")


def folder_of(match: Mapping[str, Any]) -> list[str]:
    """The folders below the root for a fixture with this match: the endpoint id, or host and path."""
    if "model" in match:
        try:
            parts = endpoint.segments_of(match["model"])
        except ValueError:
            parts = [match["model"]]
    else:
        parts = [match.get("host", "files"), *endpoint.segments_of(match.get("path", ""))]
    return [_safe(part) for part in parts]


def _safe(part: str) -> str:
    """A segment as a folder name that loading does not skip and every operating system accepts."""
    name = "".join("-" if char in _UNSAFE or not char.isprintable() or char in "/\\" else char for char in part)[:100]
    return f"-{name[1:]}" if name[:1] in (".", "_", "") else name


def file_name_of(name: str, match: Mapping[str, Any]) -> str:
    """The name of a recorded file: the name of the call, and eight hex digits of the digest of its match."""
    bare = {key: _bare(value) for key, value in match.items()}
    return f"{name}-{storage.digest(canonical_text(bare).encode())[:8]}.json"


def _bare(value: Any) -> Any:
    """A match without the parts that are only for readers."""
    if isinstance(value, dict):
        return {FILE: value[FILE]} if FILE in value else {key: _bare(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return float(value) if isinstance(value, float) else value


def placed(document: Entry, rules: Sequence[str], rule: str, entries: Sequence[Entry]) -> Entry:
    """The document with these entries in place of those with this rule, or at its end if there are none."""
    kept: list[Entry] = []
    done = False
    for entry, found in zip(document["fixtures"], rules, strict=True):
        if found != rule:
            kept.append(entry)
        elif not done:
            kept += entries
            done = True
    return {**document, "fixtures": kept if done else [*kept, *entries]}


def placed_rules(rules: Sequence[str], rule: str, count: int) -> list[str]:
    """The rules of the entries of a document in which `placed` put this many entries with a rule."""
    place = rules.index(rule) if rule in rules else len(rules)
    return [*rules[:place], *[rule] * count, *(found for found in rules[place:] if found != rule)]


def linked(entry: Entry, file: File) -> Entry:
    """The entry with references to the file's content in place of its URL; the entry itself if nothing changes.

    References in the match that have only the digest get type and size too. `recorded` keeps the URL.
    """
    key = url_key(file.url)
    changed = mapped(entry, lambda value: _swapped(value, key, file_value(file)))
    match = entry["match"]
    stated = _swapped(compared(match), key, reference(file))
    is_named = changed is not entry or stated != compared(match)
    stated = _replaced(stated, {FILE: f"sha256:{file.sha256}"}, reference(file))
    if stated != compared(match):
        changed = {name: {**match, **stated} if name == "match" else part for name, part in changed.items()}
    return with_urls(changed, {key: f"sha256:{file.sha256}"}) if is_named else changed


def with_urls(entry: Entry, urls: Mapping[str, str]) -> Entry:
    """The entry with these URLs of its files in `recorded`, which is no part of what a call is compared with.

    They differ each time, as the time and the request id there do: a new recording changes no other line.
    """
    recorded = entry.get("recorded", {})
    known = recorded.get("urls", {})
    urls = {url: name for url, name in urls.items() if "?" not in url}  # a query may hold what nobody may read
    if not urls or urls.items() <= known.items():
        return entry
    merged = dict(list({**known, **urls}.items())[-MAX_URLS:])
    return {**entry, "recorded": {**recorded, "urls": merged}}


def urls_of(entry: Entry) -> dict[str, str]:
    """The URLs that the files of an entry had when it was recorded, with their content."""
    found: dict[str, str] = entry.get("recorded", {}).get("urls", {})
    return found


def compared(match: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a match that are compared with what a call contains."""
    return {key: match[key] for key in ("query", "input", "body") if key in match}


def file_urls(entry: Entry, is_file_url: Callable[[str], bool]) -> dict[str, str]:
    """The file URLs in an answer, by `url_key`."""
    return {url_key(text): text for value in values(entry) for text in texts(value) if is_file_url(text)}


def _swapped(value: Any, key: str, by: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return by if value.startswith("http") and url_key(value) == key else value
    if isinstance(value, list):
        return [_swapped(item, key, by) for item in value]
    if isinstance(value, dict):
        if REGEX in value:  # of a URL with a signature, which a match does not have
            return by if value == any_query(key) else value
        return {name: _swapped(item, key, by) for name, item in value.items()}
    return value


def _replaced(value: Any, old: dict[str, Any], new: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    if isinstance(value, dict):
        return new if value == old else {name: _replaced(item, old, new) for name, item in value.items()}
    return value


_ANSWERING = ("queue", "recorded", "stream", "realtime")


def scrubbed(entry: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """An entry of a fixture file without its secrets; the entry itself if it has none.

    A secret in the match becomes a matcher that also accepts other values, so the fixture still answers the call.
    """
    new = {key: _part(key, value, redactor) for key, value in entry.items()}
    return entry if all(new[key] is entry[key] for key in entry) else new


def _part(key: str, value: Any, redactor: Redactor) -> Any:
    if key == "match" and isinstance(value, dict):
        parts = compared(value)
        expected = {
            name: _expected_body(part, redactor) if name == "body" else redactor.expected(part)
            for name, part in parts.items()
        }
        places = {name: redactor.path(value[name]) for name in ("model", "path") if isinstance(value.get(name), str)}
        hidden = {**value, **places, **expected}
        return value if hidden == value else hidden
    if key == "response" or key in _ANSWERING or key.startswith("_"):
        return redactor.value(value)
    return value


def _expected_body(body: Any, redactor: Redactor) -> Any:
    """A `match.body` with a matcher in place of each secret, also of one that only its name in a form gives away."""
    if not isinstance(body, list):
        return redactor.proposed(body)
    if any(redactor.value(text) is not text for field in body for key, text in field.items() if key != "content"):
        return {ANY: True}  # names are compared as they are
    fields = [redactor.expected({str(field["name"]): field["content"]}) for field in body]
    return [{**field, "content": found.get(field["name"], found)} for field, found in zip(body, fields, strict=True)]


def named_in(value: Any) -> Iterator[str]:
    """The files in a value about which more may become known: keys of URLs, and digests without type and size."""
    if isinstance(value, str):
        if value.startswith(("https://", "http://")):
            yield url_key(value)
    elif isinstance(value, dict) and value.keys() == {FILE}:
        yield str(value[FILE])
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from named_in(item)


def named_by(save: Save) -> set[str]:
    """The files that a fixture names in its match and in its answer."""
    return set(save.urls) | save.links | set(named_in(compared(save.entry["match"])))
