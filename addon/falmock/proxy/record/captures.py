"""Records what captures hold: flows, and the entries of HARs and cassettes."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from mitmproxy import http

from falmock.engine import scopes
from falmock.proxy import flows
from falmock.proxy.record import sockets
from falmock.proxy.record.session import RecordingSession
from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import Unusable
from falmock.recording.outcome import NotRecorded
from falmock.wire.hosts import normalize

logger = logging.getLogger(__name__)
_OTHERS = "to other hosts"
_OWN = "answered by falmock"


def take_flow(recording: RecordingSession, flow: http.HTTPFlow, host: str | None) -> None:
    """Record a flow from a file as if it had just happened."""
    if host is None and not recording.expects(flow):
        recording.counts[_OTHERS] += 1
        return
    if _is_falmocks(recording, flow):
        return
    recording.take(flows.exchange(flow, host or flows.asked_host(flow.request)), flow)


def take_socket(recording: RecordingSession, flow: http.HTTPFlow, host: str | None) -> None:
    """Record a flow from a file whose WebSocket is closed."""
    if host is not None and not _is_falmocks(recording, flow):
        recording.take(sockets.session(flow, host), flow)


def _is_falmocks(recording: RecordingSession, flow: http.HTTPFlow) -> bool:
    """Whether falmock itself answered a flow from a file; such a flow is not recorded."""
    answered = flows.ANSWERED in flow.metadata
    if answered and not recording.counts[_OWN]:
        logger.warning("falmock: the file has answers that falmock gave; they are not recorded again")
    recording.counts[_OWN] += answered
    return answered


def take_entry(recording: RecordingSession, entry: Entry, source: str) -> None:
    """Record an entry of this capture, if it is a call to fal or belongs to one."""
    if isinstance(entry, Unusable):
        # An entry without a URL may have been a call to fal.
        if entry.url and not _expects(recording, entry.method, *_read(entry.url)):
            recording.counts[_OTHERS] += 1
        else:
            recording.note([NotRecorded(f"{source}: {entry.what}", entry.why)])
        return
    request = entry.request
    if _expects(recording, request.method, request.host, request.path, request.query):
        recording.take(entry._replace(request=request._replace(scope=scopes.named(request.headers))))
    else:
        recording.counts[_OTHERS] += 1


def _read(url: str) -> tuple[str, str, str]:
    """Host, path and query of a URL; empty for a text that is none."""
    try:
        parts = urlsplit(url)
        return normalize(parts.hostname or ""), parts.path, parts.query
    except ValueError:
        return "", "", ""


def _expects(recording: RecordingSession, method: str, host: str, path: str, query: str) -> bool:
    recorder = recording.recorder
    return recorder.hosts.claims(host, f"{path}?{query}") or recorder.expects(method, f"https://{host}{path}?{query}")
