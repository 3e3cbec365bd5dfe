"""The fork server: it has imported all that mitmdump needs, and forks a mitmdump for each request (see `forked.py`)."""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

MODULES = ("mitmproxy.tools.main", "mitmproxy.tools.dump", "falmock.proxy.addon")
"""What mitmdump imports with any arguments, and what falmock's script imports."""
FDS = 2
"""Each request brings the writing ends of two pipes: for the output, and for reports about the process."""
MAX_REQUEST = 1 << 20


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork for each request until the client closes. Returns None then, and in each fork the request."""
    waking, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    reports: dict[int, int] = {}
    while True:
        readable, _, _ = select.select([requests, waking], [], [])
        if waking in readable:
            os.read(waking, 4096)
            _report_ended(reports)
        if requests not in readable:
            continue
        data, (output, report), _, _ = (
            socket.recv_fds(requests, MAX_REQUEST, FDS) if _is_open(requests) else (b"", (-1, -1), 0, 0)
        )
        if not data:
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for fd in (1, 2):
                os.dup2(output, fd)
            for fd in (waking, wake, output, report, *reports.values()):
                os.close(fd)
            requests.close()
            request: dict[str, Any] = json.loads(data)
            return request
        os.close(output)
        reports[pid] = report
        _report(report, pid)


def _is_open(requests: socket.socket) -> bool:
    """Whether there is a request; false if the client has closed."""
    return bool(requests.recv(1, socket.MSG_PEEK))


def _report_ended(reports: dict[int, int]) -> None:
    """Report the exit codes of the processes that have ended."""
    for pid in list(reports):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _report(reports[pid], os.waitstatus_to_exitcode(status))
            os.close(reports.pop(pid))


def _report(fd: int, number: int) -> None:
    with suppress(BrokenPipeError):
        os.write(fd, b"%d\n" % number)


def main() -> int:
    """Serve. A fork becomes the requested mitmdump."""
    for name in MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return 0
    sys.argv = request["args"]
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    from mitmproxy.tools.main import mitmdump

    mitmdump()
    return 0


if __name__ == "__main__":
    sys.exit(main())
