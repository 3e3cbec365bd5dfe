"""Turns what people already have into fixtures: flow files, which mitmproxy reads, and HARs, which we read ourselves.

mitmproxy's own reader of HARs gives up on the whole file where one entry is not as a browser writes it (a body
without text, base64 that was cut); other tools' HARs are often so.
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
    """A flow from a file: read it as if it had just happened."""
    url = flows.url_of(flow.request, host or flow.request.pretty_host)
    if host is None and not recording.recorder.uploads.expects(flow.request.method, url):
        recording.counts["other hosts"] += 1
        return
    recording.imported = True
    if _is_falmocks(recording, flow):
        return
    recording.take(flows.exchange(flow, host or flow.request.pretty_host), flow)


def take_socket(recording: RecordingSession, flow: http.HTTPFlow, host: str | None) -> None:
    """A flow from a file whose socket is closed."""
    if host is not None and not _is_falmocks(recording, flow):
        recording.imported = True
        recording.take(sockets.session(flow, host), flow)


def _is_falmocks(recording: RecordingSession, flow: http.HTTPFlow) -> bool:
    """Whether it was falmock that answered a flow from a file: that is in fixtures, or was made up."""
    answered = flows.ANSWERED in flow.metadata
    if answered and not recording.counts["answered by falmock"]:
        logger.warning("falmock: the file has answers of falmock's own, which are not recorded again")
    recording.counts["answered by falmock"] += answered
    return answered


def take_over_har(recording: RecordingSession) -> None:
    """Read the file that mitmproxy was given (`-r`), if it is a HAR, in mitmproxy's place."""
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
    if recording.recorder.hosts.claims(request.host, request.path) or recording.recorder.uploads.expects(
        request.method, url
    ):
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
