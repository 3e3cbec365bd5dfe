"""Runs a mitmdump whose CPU time is measured, with a client on keep-alive connections."""

from __future__ import annotations

import http.client
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CPU_SCRIPT = """
import time
from mitmproxy import ctx
from mitmproxy import http

class Cpu:
    async def request(self, flow):
        if flow.request.host == "bench.test":
            falmock = ctx.master.addons.get("falmock")
            if falmock is not None and falmock._recordings.current is not None:
                await falmock._recordings.current.settle()  # all that was recorded counts
            flow.response = http.Response.make(200, str(time.process_time()))

addons = [Cpu()]
"""


class Proxied:
    """A mitmdump, and a keep-alive connection through it to each of two hosts."""

    def __init__(self, port: int, ca: Path, pid: int) -> None:
        self.pid = pid
        self.port = port
        self.ca = ca
        self._trust = trust = ssl.create_default_context(cafile=str(ca))
        self._hosts: dict[str, http.client.HTTPSConnection] = {}
        for host in ("fal.run", "queue.fal.run"):
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=30)
            connection.set_tunnel(host, 443)
            self._hosts[host] = connection
        self._plain = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method: str, host: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"content-type": "application/json", "authorization": "Key kid:ksecret"}
        connection = self._hosts[host]
        connection.request(method, path, body, headers)
        return connection.getresponse().read()

    def size_of(self, host: str, path: str) -> int:
        """Download a file; return its size in bytes."""
        connection = self.connect(host)
        connection.request("GET", path)
        answer = connection.getresponse()
        size = 0
        while chunk := answer.read(1 << 20):
            size += len(chunk)
        connection.close()
        return size

    def connect(self, host: str) -> http.client.HTTPSConnection:
        """A new connection to a host, for long calls."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self._trust, timeout=300)
        connection.set_tunnel(host, 443)
        return connection

    def cpu(self) -> float:
        self._plain.request("GET", "http://bench.test/")
        return float(self._plain.getresponse().read())

    def close(self) -> None:
        for connection in (*self._hosts.values(), self._plain):
            connection.close()


@contextmanager
def mitmdump(folder: Path, *args: str) -> Iterator[Proxied]:
    """A mitmdump on a free port."""
    script = folder / "cpu.py"
    script.write_text(CPU_SCRIPT)
    command = [str(Path(sys.executable).with_name("mitmdump")), "--listen-host", "127.0.0.1", "-p", "0"]
    command += ["--set", f"confdir={folder / 'conf'}", "--set", "flow_detail=0", "-s", str(script), *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            port = 0
            for line in process.stdout:
                found = re.search(r"listening at \S*:(\d+)", line)
                if found:
                    port = int(found[1])
                    break
            if not port:
                raise SystemExit(f"mitmdump did not come up: {' '.join(command)}")
            _drain(process)
            proxied = Proxied(port, folder / "conf" / "mitmproxy-ca-cert.pem", process.pid)
            proxied.cpu()
            yield proxied
            proxied.close()
        finally:
            process.terminate()


def _drain(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    threading.Thread(target=process.stdout.read, daemon=True).start()
