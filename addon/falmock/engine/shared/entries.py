"""Entries of the journal as the store has them: without secrets, which must not be readable there.

What a journal in memory hides when it is shown is hidden here before it is written. Of the query only the input is kept, of the
answer's headers only those that the journal reads, of the call its kind and what it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qsl
from urllib.parse import urlencode

from falmock.engine.journal import JournalEntry
from falmock.engine.missed_calls import ToldDifference
from falmock.engine.missed_calls import ToldMiss
from falmock.engine.missed_calls import ToldNear
from falmock.engine.missed_calls import told
from falmock.engine.shared.forms import Form
from falmock.fixtures.matching.miss import Miss
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import endpoint as endpoint_ids
from falmock.wire import query
from falmock.wire.formats import jsontext
from falmock.wire.formats.spelled import surrogates_escaped

_READ_HEADERS = (b"content-type", b"x-fal-request-id")
"""The headers of answers that the journal reads."""
_NO_ID = "id"
_WITH_ENDPOINT = (calls.Run, calls.Stream, calls.Socket, calls.RunSocket, calls.Submit)
_QUERIED = (calls.Run, calls.Stream, calls.Submit)
"""The calls whose query may be an input."""
_MADE: Mapping[str, Callable[[str], calls.Call]] = MappingProxyType(
    {
        "Run": lambda text: calls.Run(endpoint_ids.parse(text)),
        "Stream": lambda text: calls.Stream(endpoint_ids.parse(text)),
        "Socket": lambda text: calls.Socket(endpoint_ids.parse(text)),
        "RunSocket": lambda text: calls.RunSocket(endpoint_ids.parse(text)),
        "Submit": lambda text: calls.Submit(endpoint_ids.parse(text), "", ""),
        "Status": lambda text: calls.Status(text, logs=False),
        "StatusStream": lambda text: calls.StatusStream(text, logs=False),
        "Result": calls.Result,
        "Cancel": calls.Cancel,
        "UploadInitiate": lambda _: calls.UploadInitiate(""),
        "CdnToken": lambda _: calls.CdnToken(),
        "Token": lambda _: calls.Token(newer=False),
        "WebhookKeys": lambda _: calls.WebhookKeys(),
        "DirectUpload": lambda _: calls.DirectUpload(),
        "MultipartStart": lambda _: calls.MultipartStart(),
        "FilePut": lambda _: calls.FilePut(),
        "UploadPart": lambda _: calls.UploadPart("", 0),
        "PartUrl": lambda _: calls.PartUrl("", 0),
        "UploadComplete": lambda _: calls.UploadComplete(""),
        "ProviderMapping": lambda _: calls.ProviderMapping(""),
        "FileGet": lambda _: calls.FileGet(),
        "Unrouted": lambda _: calls.Unrouted(404, ""),
    }
)
"""Makes a call of each type from what it is about."""


class EntryForm(NamedTuple):
    """An entry as it is kept; `id` tells it from all others. `call` is the type of the call, "" for none.

    `subject` is the endpoint id or the request id that it names, "" for none.
    """

    id: str
    at: float
    method: str
    host: str
    path: str
    status: int | None
    fixture: str | None
    why: str
    miss: ToldMiss | None
    fault: str | None
    query: str
    body: bytes
    left_out: int
    call: str
    subject: str
    answered: tuple[tuple[bytes, bytes], ...]
    job: str
    delay: float
    kind: str
    door: str
    warning: str
    cut: bool
    about: str | None


_FORM = Form("journal entry", 1, EntryForm)


def entry_bytes(entry: JournalEntry, missed: Miss | None, redactor: Redactor, about: str | None, name: str) -> bytes:
    """The bytes of an entry, without its secrets; `missed` is the report behind its `miss`, `name` tells it from all others.

    `about` is the endpoint of the job that it is about, if the entry itself does not say that.
    """
    text, value = redactor.text, redactor.value
    call, kind = entry.call, type(entry.call)
    usual = _hidden_texts(
        redactor,
        redactor.revision,
        entry.method,
        entry.host,
        entry.fixture,
        entry.why,
        entry.fault,
        entry.warning,
        entry.about if about is None else about,
    )
    method, host, fixture, why, fault, warning, about = usual
    named = _subject_of(call)
    subject, job = value(named), entry.job
    own = named.encode("utf-8", "surrogatepass") if subject is named and named else b""
    miss = None
    if missed is not None:
        miss = told(missed, redactor)
    elif entry.miss is not None:
        miss = ToldMiss("", text(entry.miss), ())
    form = EntryForm(
        name,
        entry.at,
        method,
        host,
        _hidden_path(entry.path, subject, redactor),
        entry.status,
        fixture,
        why,
        miss,
        fault,
        hidden_query(entry.query, redactor) if entry.query and isinstance(call, _QUERIED) else "",
        hidden_body(entry.body, redactor) if entry.body else b"",
        entry.left_out,
        "" if call is None else kind.__name__,
        subject,
        tuple(
            [
                (header, field if field == own else _hidden(field, redactor))
                for header, field in entry.answered
                if _is_read(header)
            ]
        ),
        value(job) if job else "",
        entry.delay,
        entry.kind,
        entry.door,
        warning,
        entry.cut,
        about,
    )
    try:
        return _FORM.write(form)
    except UnicodeEncodeError:
        return _FORM.write(_escaped(form))


_Texts = tuple[str, str, str | None, str, str | None, str, str | None]


@lru_cache(maxsize=256)
def _hidden_texts(
    redactor: Redactor,
    _revision: int,
    method: str,
    host: str,
    fixture: str | None,
    why: str,
    fault: str | None,
    warning: str,
    about: str | None,
) -> _Texts:
    """Texts of an entry without their secrets: they are the same in most entries."""
    text, value = redactor.text, redactor.value
    return (
        value(method),
        value(host),
        value(fixture),
        text(why),
        None if fault is None else text(fault),
        text(warning),
        None if about is None else text(about),
    )


@lru_cache(maxsize=256)
def _is_read(name: bytes) -> bool:
    return name.lower() in _READ_HEADERS


def entry_of(data: bytes) -> tuple[JournalEntry, ToldMiss | None]:
    """The entry of these bytes, and the report behind its `miss`. Raises UnknownForm."""
    form = _FORM.read(data)
    entry = JournalEntry(
        form.at,
        form.method,
        form.host,
        form.path,
        form.status,
        form.fixture,
        form.why,
        None if form.miss is None else form.miss.text,
        form.fault,
        form.query,
        form.body,
        form.left_out,
        _call_of(form.call, form.subject),
        form.answered,
        form.job,
        form.delay,
        form.kind,
        form.door,
        form.warning,
        form.cut,
        form.about,
    )
    return entry, form.miss if form.miss is not None and form.miss.key else None


def hidden_query(text: str, redactor: Redactor) -> str:
    """The parameters of a query that are an input, without their secrets."""
    if not text:
        return ""
    pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    asked = [redactor.value({name: value}) for name, value in pairs if name not in query.PLATFORM_PARAMETERS]
    return urlencode([pair for each in asked for pair in each.items()], errors="surrogateescape")


def hidden_body(body: bytes, redactor: Redactor) -> bytes:
    """The same body without its secrets; the same object if it has none."""
    if not body:
        return body
    try:
        value = jsontext.loads_exact(body)
        hidden = redactor.value(value)
        if hidden is not value:
            body = jsontext.dump_exact(hidden, indent=None).encode("utf-8", "surrogatepass")
    except (jsontext.BadJSON, RecursionError):
        pass  # it is cut, or no JSON: a text like any other
    return _hidden(body, redactor)


def _hidden_path(path: str, subject: str, redactor: Redactor) -> str:
    """A path without its secrets; `subject` is what it names, without its own."""
    if subject:
        # Most paths differ in the request id alone, and what they are without it is known to be harmless.
        before, found, behind = path.partition(subject)
        if found and before.endswith("/"):
            form = f"{before}{_NO_ID}{behind}"
            if redactor.text(form) is form and redactor.text(subject) is subject:
                return path
    return redactor.text(path)


def _hidden(data: bytes, redactor: Redactor) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    hidden = redactor.value(text)
    return data if hidden is text else hidden.encode("utf-8", "surrogateescape")


def _subject_of(call: calls.Call | None) -> str:
    if isinstance(call, calls.ABOUT_JOB):
        return call.request_id
    return str(call.endpoint) if isinstance(call, _WITH_ENDPOINT) else ""


def _call_of(kind: str, subject: str) -> calls.Call | None:
    """The call of this type about an endpoint or a job. What else it had is not known."""
    make = _MADE.get(kind)
    try:
        return None if make is None else make(subject)
    except endpoint_ids.BadEndpointId:
        return None  # a secret stood in it


def _escaped(value: Any) -> Any:
    """A form whose texts can be written as UTF-8."""
    if isinstance(value, str):
        return surrogates_escaped(value)
    if isinstance(value, EntryForm | ToldMiss | ToldNear | ToldDifference):
        return type(value)._make(map(_escaped, value))
    return tuple(map(_escaped, value)) if isinstance(value, tuple) else value
