"""The parts of a fixture that come from the request: the match, and the name of the call."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from falmock.fixtures.matching.body import as_sent
from falmock.fixtures.matching.match import ANY
from falmock.fixtures.matching.volatile import Ignores
from falmock.recording.files import FileUrls
from falmock.recording.files import inline_file
from falmock.recording.files import reference
from falmock.recording.uploads import File
from falmock.wire import query
from falmock.wire.formats import jsontext
from falmock.wire.formats.jsontext import MAX_DEPTH
from falmock.wire.formats.media import sniffed
from falmock.wire.message import Request
from falmock.wire.storage import digest

_WORD = re.compile(r"[a-z0-9]+")
_LATIN = re.compile(r"[a-z]")
NAME_LENGTH = 48
NAME_BYTES = 60
"""The largest size of a name in UTF-8: file systems take 255 bytes at most, some archives and tools less."""


class NotAnInput(ValueError):
    """A request whose body no fixture can match; the text says why."""


def input_of(request: Request) -> dict[str, Any]:
    """The input as it was sent, with exact numbers. Raises NotAnInput."""
    if not _has_body(request):
        return query.parameters(request.query)
    try:
        value = jsontext.loads_exact(request.body)
    except jsontext.BadJSON as error:
        raise NotAnInput(f"its body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise NotAnInput(f"its body is not a JSON object but {type(value).__name__}")
    return value


def _has_body(request: Request) -> bool:
    return request.method != "GET" and bool(request.body)


class MatchBuilder:
    """Builds the `match` of fixtures: files by content, without volatile values. It still contains secrets."""

    def __init__(self, files: FileUrls, ignores: Ignores) -> None:
        self._files = files
        self._ignores = ignores

    def of_endpoint(self, request: Request, endpoint: str) -> dict[str, Any]:
        """The match of a call to an endpoint; a body that is no input matches as it was sent. Raises NotAnInput."""
        match: dict[str, Any] = {"model": endpoint}
        if request.method != "POST":
            match["method"] = request.method
        parts: dict[str, Any] = {}
        if _has_body(request):
            parts["query"] = query.parameters(request.query, query.NOT_ASKED)
        try:
            parts["input"] = input_of(request)
        except NotAnInput:
            parts["body"] = as_sent(request)
        return match | self._chosen(endpoint, parts)

    def of_message(self, value: dict[str, Any], endpoint: str) -> dict[str, Any]:
        """The match of a message on a socket to an endpoint; bytes in it match by digest. Raises NotAnInput."""
        return {"model": endpoint} | self._chosen(endpoint, {"input": value})

    def of_plain_call(self, request: Request, *, takes_files: bool) -> dict[str, Any]:
        """The match of a call that is not to an endpoint; `takes_files` as in `plain_input`. Raises NotAnInput."""
        match = {"method": request.method, "host": request.host, "path": request.path}
        asked = query.of_plain_call(request.query)
        value = query.plain_input(request, takes_files=takes_files)
        if value is None and _has_body(request) and "json" in request.headers.get("content-type", ""):
            value = input_of(request)  # it says what is wrong
        return match | self._chosen("", {"input": asked} if value is None else {"query": asked, "input": value})

    def _chosen(self, endpoint: str, parts: dict[str, Any]) -> dict[str, Any]:
        """These parts of a match in the form of a fixture, without what is ignored. Raises NotAnInput."""
        selecting: dict[str, Any] = {}
        for key, value in parts.items():
            if value or key != "query":
                selecting[key], ignored = self._ignores.expected(endpoint, self._stated(value))
        if "input" in selecting:
            selecting["exact"] = True
            if ignored:
                selecting["ignore"] = list(ignored)
        return selecting

    def _stated(self, value: Any, depth: int = 0) -> Any:
        """An input in the form of a fixture. Raises NotAnInput."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes):
            return reference(File("", digest(value), len(value), sniffed(value)))
        if not isinstance(value, list | dict):
            return value
        if depth > MAX_DEPTH:
            raise NotAnInput(f"its input is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, list):
            return [self._stated(item, depth + 1) for item in value]
        if any(key.startswith("$") for key in value):
            return {ANY: True}  # a key with a dollar would be read as a matcher
        return {key: self._stated(item, depth + 1) for key, item in value.items()}

    def _text(self, text: str) -> Any:
        if ":" not in text:
            return text
        file = self._files.known(text)
        if file is not None:
            return reference(file)
        inline = inline_file(text)
        if inline is not None:
            return reference(File("", inline.content.sha256, inline.content.size, inline.content_type))
        return text


def call_name(match: dict[str, Any]) -> str:
    """A few words for the file's name: from the prompt if the input has one, else the kind of call."""
    stated = match.get("input")
    if isinstance(stated, dict):
        for key in ("prompt", "text", "input"):
            if isinstance(stated.get(key), str):
                return slug(stated[key]) or "input"
    if match.get("opening"):
        return "opening"
    if "body" in match:
        return (slug(match["body"]) if isinstance(match["body"], str) else "") or "body"
    return "input" if "model" in match else match.get("method", "get").lower()


def slug(text: str) -> str:
    """A text as a file name: lower-case words with dashes; "" if it has none.

    The words are those in Latin letters, up to NAME_LENGTH characters. A text without Latin letters gives the words in
    its own letters, up to NAME_BYTES, and one without any letters or digits the Unicode names of its symbols.
    """
    lower = text[:1000].lower()
    words = _WORD.findall(lower)
    if any(map(_LATIN.search, words)):
        return _joined(words, NAME_LENGTH)
    own = "".join(char if _is_of_word(char) else " " for char in unicodedata.normalize("NFC", lower))
    if own.strip():
        return _joined(own.split(), NAME_BYTES)
    return _joined(_WORD.findall(" ".join(map(_symbol_name, lower)).lower()), NAME_LENGTH)


def _joined(words: Iterable[str], size: int) -> str:
    """As many of the words as fit into `size` bytes, with dashes; of the first, as much as fits."""
    name = ""
    for word in words:
        if name and len(f"{name}-{word}".encode()) > size:
            break
        name = f"{name}-{word}" if name else word.encode()[:size].decode(errors="ignore")
    return name


def _is_of_word(char: str) -> bool:
    """Whether a character is a letter, a digit, or a mark on one."""
    return unicodedata.category(char)[0] in "LMN"


def _symbol_name(char: str) -> str:
    return unicodedata.name(char, "") if unicodedata.category(char) == "So" else ""
