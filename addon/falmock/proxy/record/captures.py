"""Records what captures hold: flows, and the entries of HARs and cassettes."""

from __future__ import annotations

import logging

from mitmproxy import http

from falmock.engine import scopes
from falmock.proxy import flows
from falmock.proxy.record import sockets
from falmock.proxy.record.session import RecordingSession
from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import Unusable
from falmock.recording.outcome import NotRecorded

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
    recording.take(flows.exchange(flow, host or flow.request.pretty_host), flow)


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
        recording.note([NotRecorded(f"{source}: {entry.what}", entry.why)])
        return
    scope = scopes.named(entry.request.headers)
    request = entry.request._replace(scope=scope)
    entry = entry._replace(request=request)
    url = f"https://{request.host}{request.path}"
    target = f"{request.path}?{request.query}"
    if recording.recorder.hosts.claims(request.host, target) or recording.recorder.expects(request.method, url):
        recording.take(entry)
    else:
        recording.counts[_OTHERS] += 1
