"""A stand-in for the real fal: a server on loopback with a TLS certificate of its own, for tests that record.

with upstream() as fal, recording(confdir, fal, fixtures) as mock, running.app(program, mock) as app:
        app("run", app="test/image", arguments={"prompt": "a cat"})
        assert fal.asked("POST fal.run/test/image")

It is written from what is known of fal, and shares no code with the package under test: a mistake there is not
repeated here. What models make follows from their input, files in it by their content; only the URLs of new files,
request ids and times differ from run to run.

| endpoint | what it does |
|---|---|
| `test/echo`, `test/echo/…` | tells method, sub-path and input, with a seed of 64 bits; of a GET the query |
| `test/numbers` | numbers and texts that only byte for byte stay what they are |
| `test/image` | PNGs at new URLs, `num_images` of them; with `sync_mode` as data URIs |
| `test/image-to-image` | as `test/image`, of `image_url` or `image_urls` in our storage, else 422 `file_download_error` |
| `test/video`, `test/image-to-video` | a file of `bytes` bytes, of `image_url` if there is one; a huge one takes no memory |
| `test/clip` | a film that browsers play, with its table of contents at the end of 16 MB |
| `test/binary`, `test/text`, `test/html`, `test/nothing` | no JSON: bytes (a PNG for `content_type: image/png`), text, HTML, 204 |
| `test/gzip` | as `test/echo`, compressed |
| `test/slow` | as `test/echo`: 1.5 s in the queue at places 2, 1, 0, then 1.5 s at work with three log lines |
| `test/waiting`, `test/endless` | an hour in the queue, an hour at work: to be cancelled |
| `test/stubborn` | 2 s at work, and is not to be cancelled |
| `test/llm`, `test/llm/stream` | says something; as server-sent events |
| `test/chatty/stream` | events of all sorts: with types, ids, several lines, comments between them |
| `test/broken/stream` | events that break off (reset) in the middle |
| `test/tts/stream` | sound in pieces: a stream that is no events |
| `test/forms/stream` | JSON, or 422 for an input without a `prompt`, where events are asked for |
| `openrouter/router/openai/v1/chat/completions` | as OpenAI answers; with `stream` as events that end in `[DONE]` |
| `test/leaky`, `…/stream` | tells the caller's key, cookie and address, and new tokens, cookies and signed URLs (all in `secrets`) |
| `test/fail`, `test/fail/KIND` | fails in the model: 422 by default; KIND, or `as` in the input, is of `failures.of_model` |
| `test/refuse/KIND` | refused at the gate, a submit too: KIND is of `failures.refusal` |
| `test/trouble/KIND` | as `test/echo`, but the answer (of a run, or a job's result) arrives in trouble: `troubles.KINDS` |
| `workflows/test/poster`, `…/stream` | a workflow, and its events |
| `comfy/test/graph` | as `test/echo` |
| `fal-ai/flux/…`, `fal-ai/fast-sdxl`, `110602490/fast-sdxl` | as `test/image` |
| `fal-ai/flux/dev/image-to-image` | as `test/image-to-image` |
| `fal-ai/kling-video/…` | as `test/image-to-video` |
| `fal-ai/any-llm`, `…/stream` | as `test/llm` |

On sockets (`wss://`), with a token of ours for the app or a key, else `Unauthorized`:

| endpoint | what it does |
|---|---|
| `test/realtime/realtime` | a result for each input, with a picture (`bytes` longer), and how long it took; `seconds` at work, `silent` says nothing |
| `test/counting/realtime` | `to` results for each input |
| both | `last`: over (TIMEOUT) behind the answer, as when idle (`Fal.idle`); `wrong`: INTERNAL_ERROR; `crash`: close 1011 |
| `test/raw/ws`, `…/…` | says hello and then everything again, texts and bytes; `bye` and `crash` close it |
| any endpoint at `ws.fal.run` | its runs, one after the other |

A submit with `fal_webhook` is delivered there when the job is done (`Fal.webhooks.attempts`), once more if refused.

An input may hold `"pace": {"queued": seconds, "running": seconds, "positions": 3, "logs": ["a", "b"]}`; `Fal.pace` is
for all jobs that do not say, and their endpoint neither. Outside the queue only a pace of input or endpoint is kept.
`Fal.trouble("GET queue.fal.run/*/status", "reset", times=1)` has things go wrong anywhere, by method, host and path.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from clients import running
from clients import sweep
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.upstream import certificates
from clients.upstream.connections import Server
from clients.upstream.fal import HOSTS
from clients.upstream.fal import Fal
from clients.upstream.files import File
from clients.upstream.messages import Answer
from clients.upstream.messages import Asked
from clients.upstream.models import Pace
from clients.upstream.troubles import Trouble

__all__ = ["Answer", "Asked", "Fal", "File", "Pace", "Trouble", "Upstream", "recording", "upstream"]


class Upstream(Fal):
    """The stand-in while it serves.

    Attributes:
        ca: The certificate of the CA that vouches for it.
        server: The sockets; `server.failures` are errors of our own.
    """

    def __init__(self, folder: Path) -> None:
        self.ca, certificate = certificates.write(folder, HOSTS)
        self.server = Server(certificate, self.answer, self.session)
        super().__init__(self.server.wait)

    @property
    def port(self) -> int:
        return self.server.server_port

    @property
    def arguments(self) -> tuple[str, ...]:
        """What has a mitmdump come here with what it sends to fal."""
        return (
            *("-s", str(CLIENTS / "to_upstream.py")),
            *("--set", f"to_upstream_port={self.port}"),
            *("--set", f"to_upstream_hosts={','.join(HOSTS)}"),
            *("--set", f"ssl_verify_upstream_trusted_ca={self.ca}"),
        )

    @property
    def falmock(self) -> tuple[str, ...]:
        """The command `falmock` whose mitmdump does so."""
        return (sys.executable, str(CLIENTS / "falmock_to_upstream.py"), json.dumps(self.arguments))


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A stand-in that serves until this ends; it then fails if something broke inside it."""
    with tempfile.TemporaryDirectory() as folder:
        fal = Upstream(Path(folder))
        thread = threading.Thread(target=fal.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield fal
        finally:
            fal.server.stop()
            thread.join()
            sweep.SECRETS.update(fal.secrets)
        if fal.server.failures:
            raise fal.server.failures[0]


@contextmanager
def recording(confdir: Path, fal: Upstream, fixtures: Path, *args: str, mode: str = "record") -> Iterator[Mitmdump]:
    """A running mitmdump in a mode that forwards, with the stand-in for fal."""
    options = ("--set", f"fal_mode={mode}", *fal.arguments, *args)
    with running.mitmdump(confdir, *options, fixtures=fixtures) as mock:
        yield mock


def recorded_by_two(
    confdir: Path, fal: Upstream, fixtures: Path, use: Callable[[Mitmdump, int], object]
) -> tuple[Mitmdump, Mitmdump]:
    """Use two recorders of one folder at the same time, number 0 and number 1; returns them when they have ended."""
    with (
        recording(confdir, fal, fixtures) as one,
        recording(confdir, fal, fixtures) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        for done in [pool.submit(use, one, 0), pool.submit(use, other, 1)]:
            done.result()
    return one, other
