"""Makes fixtures from existing captures: flow files, which mitmproxy reads, and HARs, which falmock reads itself.

mitmproxy's own reader of HARs rejects the whole file if one entry is not as a browser writes it (a body without
text, truncated base64); HARs of other tools often have such entries.
"""

from __future__ import annotations

import logging
from pathlib import Path

from mitmproxy import ctx
from mitmproxy import http

from falmock.proxy import flows
from falmock.proxy.record import sockets
from falmock.proxy.record.session import RecordingSession
from falmock.recording import har
from falmock.recording.outcome import Level
from falmock.recording.outcome import Tell

logger = logging.getLogger(__name__)


def take_flow(recording: RecordingSession, flow: http.HTTPFlow, host: str | None) -> None:
    """Record a flow from a file as if it had just happened."""
    url = flows.url_of(flow.request, host or flow.request.pretty_host)
    if host is None and not recording.recorder.expects(flow.request.method, url):
        recording.counts["other hosts"] += 1
        return
    recording.imported = True
    if _is_falmocks(recording, flow):
        return
    recording.take(flows.exchange(flow, host or flow.request.pretty_host), flow)


def take_socket(recording: RecordingSession, flow: http.HTTPFlow, host: str | None) -> None:
    """Record a flow from a file whose WebSocket is closed."""
    if host is not None and not _is_falmocks(recording, flow):
        recording.imported = True
        recording.take(sockets.session(flow, host), flow)


def _is_falmocks(recording: RecordingSession, flow: http.HTTPFlow) -> bool:
    """Whether falmock itself answered a flow from a file; such a flow is not recorded."""
    answered = flows.ANSWERED in flow.metadata
    if answered and not recording.counts["answered by falmock"]:
        logger.warning("falmock: the file has answers that falmock gave; they are not recorded again")
    recording.counts["answered by falmock"] += answered
    return answered


def import_har(recording: RecordingSession) -> None:
    """If the file of mitmproxy's `-r` is a HAR, read it instead of mitmproxy."""
    path = ctx.options.rfile
    if not path or path == "-" or not _is_har(Path(path).expanduser()):
        return
    ctx.options.update(rfile=None)
    try:
        entries = har.read(Path(path).expanduser().read_bytes())
    except (OSError, har.NotAHar) as error:
        logger.error("falmock: %s cannot be read as a HAR: %s", path, error)  # noqa: TRY400
    else:
        for entry in entries:
            _take_entry(recording, entry)
        recording.imported = True
    if not ctx.options.keepserving:
        ctx.master.shutdown()


def _take_entry(recording: RecordingSession, entry: har.HarEntry) -> None:
    if isinstance(entry, har.Unusable):
        recording.tell(Tell(f"{entry.what} is not used: {entry.why}", Level.WARNING))
        return
    request = entry.request
    url = f"https://{request.host}{request.path}"
    target = f"{request.path}?{request.query}"
    if recording.recorder.hosts.claims(request.host, target) or recording.recorder.expects(request.method, url):
        recording.take(entry)
    else:
        recording.counts["other hosts"] += 1


def _is_har(path: Path) -> bool:
    try:
        with path.open("rb") as opened:
            start = opened.read(64)
    except OSError:
        return False
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
