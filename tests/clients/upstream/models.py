"""The models: what each endpoint makes of its input. All but the URLs of new files follows from the input."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from typing import TypeVar

from clients.upstream import failures
from clients.upstream import troubles
from clients.upstream.files import Files
from clients.upstream.files import urls_in
from clients.upstream.messages import Answer
from clients.upstream.messages import Asked
from clients.upstream.messages import compact
from clients.upstream.messages import model

T = TypeVar("T")
VIDEO_SIZE = 200_000
CLIP = Path(__file__).resolve().parents[3] / "fixtures" / "_assets" / "sunset.mp4"
CLIP_SIZE = 16_000_000
MOST_IMAGES = 8
WORDS = ("Ein", " süßer", " Kater 🐈", " döst.")
NUMBERS = (
    b'{"seed":18446744073709551615,"big":123456789012345678901234567890,"price":1.10,"exponent":1e5,"tiny":1E-7,'
    b'"long":0.10000000000000000555,"whole":2.0,"negative":-0.0,"text":"\xc3\xa9 \xe2\x98\x83 \\ud83d\\ude00 \\u2028",'
    b'"nothing":null,"list":[[],{}]}'
)
"""Numbers and texts that only byte for byte stay what they are."""


@dataclass(frozen=True)
class Pace:
    """How a job goes: seconds in the queue, places there, seconds at work, and the lines it logs meanwhile.

    A poll shows the last `window` lines (0: all). With `bare` they are as recorded in 2024, and a failed job's status
    tells no error.
    """

    queued: float = 0.0
    running: float = 0.0
    positions: int = 1
    logs: tuple[str, ...] = ("started", "step 1 of 2", "step 2 of 2")
    window: int = 0
    bare: bool = False

    def overridden(self, value: Any) -> Pace:
        """With what an input says under "pace", if it says something that makes sense."""
        given = value.get("pace") if isinstance(value, dict) else None
        if not isinstance(given, dict):
            return self
        seconds = {name: given[name] for name in ("queued", "running") if isinstance(given.get(name), int | float)}
        places = {"positions": given["positions"]} if isinstance(given.get("positions"), int) else {}
        logs = {"logs": tuple(map(str, given["logs"]))} if isinstance(given.get("logs"), list) else {}
        return replace(self, **seconds, **places, **logs)


@dataclass(frozen=True)
class Run:
    """One run of a model: on whose behalf, of which endpoint, on what."""

    asked: Asked
    endpoint: str
    path: str
    value: Any
    request_id: str
    files: Files
    told: Callable[[str], str]
    wait: Callable[[float], bool]
    stream_seconds: float = 0.0

    def get(self, name: str, default: T) -> T:
        """What the input says, when it says something of this kind."""
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return value if isinstance(value, type(default)) else default


Make = Callable[[Run], Answer]


@dataclass(frozen=True)
class Model:
    """What an endpoint does; `pace` when it takes its time whoever asks, `stubborn` when it cannot be cancelled."""

    make: Make
    pace: Pace | None = None
    stubborn: bool = False


def digest(run: Run) -> bytes:
    """What stands for the endpoint and its input, files by their content."""
    text = json.dumps([run.endpoint, run.value], sort_keys=True, ensure_ascii=True)
    for url in sorted(set(urls_in(run.value)), key=len, reverse=True):
        file = run.files.find(url)
        if file is not None:
            text = text.replace(json.dumps(url)[1:-1], file.sha256)
    return hashlib.sha256(text.encode()).digest()


def seed_of(made: bytes) -> int:
    """A seed that needs all its 64 bits."""
    return int.from_bytes(made[:8], "big") | 1 << 63


def seconds_of(made: bytes) -> float:
    """A time with as many digits as times have."""
    return 1 + int.from_bytes(made[8:16], "big") / 2**64


# what they make


def echo(run: Run) -> Answer:
    """Tells what it was given, the input byte for byte."""
    made = digest(run)
    parts = {"method": run.asked.method, "path": run.path, "sha256": made.hex(), "seed": seed_of(made)}
    told = compact(parts | {"timings": {"inference": seconds_of(made)}})
    given = run.asked.body or compact(run.value)
    return Answer(200, (("Content-Type", "application/json"),), told[:-1] + b',"input":' + given + b"}")


def numbers(_: Run) -> Answer:
    return Answer(200, (("Content-Type", "application/json"),), NUMBERS)


def picture(made: bytes) -> bytes:
    """A PNG, 8 by 8, that browsers show: its pixels are what it was made from."""
    rows = b"".join(b"\0" + (made * 6)[row * 24 :][:24] for row in range(7)) + b"\0" + bytes(24)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def image(run: Run) -> Answer:
    made = digest(run)
    pictures = (
        picture(hashlib.sha256(made + b"%d" % number).digest())
        for number in range(min(run.get("num_images", 1), MOST_IMAGES))
    )
    images = [_image(run, content) for content in pictures]
    output = {
        "images": images,
        "timings": {"inference": seconds_of(made)},
        "seed": seed_of(made),
        "has_nsfw_concepts": [False] * len(images),
        "prompt": run.get("prompt", ""),
    }
    return model(output, 200, ("x-fal-billable-units", f"{len(images)}.0"))


def _image(run: Run, content: bytes) -> dict[str, Any]:
    url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    if not run.get("sync_mode", False):
        url = run.files.keep(content, "image/png")
    return {"url": url, "width": 8, "height": 8, "content_type": "image/png"}


def image_to_image(run: Run) -> Answer:
    """As `image`, of a picture: `image_url` or `image_urls`, of our CDN or a data URI."""
    if not run.get("image_url", "") and not run.get("image_urls", []):
        return failures.detail("missing", "image_url", "Field required", run.value)
    return _not_found(run) or image(run)


def _not_found(run: Run) -> Answer | None:
    """The failure over a file that is none of ours: nothing else can be fetched from here."""
    for url in urls_in(run.value):
        if run.files.find(url) is None:
            return failures.detail("file_download_error", "image_url", "Failed to download the file.", url)
    return None


def video(run: Run) -> Answer:
    """A file of `bytes` bytes that looks like an MP4."""
    missing = _not_found(run)
    if missing is not None:
        return missing
    made, size = digest(run), max(0, run.get("bytes", VIDEO_SIZE))
    noise = b"".join(hashlib.sha256(made + struct.pack(">H", n)).digest() for n in range(2048))
    block = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + noise
    url = run.files.keep(block, "video/mp4", "output.mp4", size)
    output = {"video": {"url": url, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": size}}
    return model(output | {"seed": seed_of(made)}, 200, ("x-fal-billable-units", "3.008"))


def clip(run: Run) -> Answer:
    """A film that browsers play: an MP4 whose table of contents is at its end, so that players have to go there."""
    made = digest(run)
    kind, table, film = _boxes(CLIP.read_bytes())
    # What takes the table's place is as long as that was: the table says where in the file the film is.
    filling = _box(b"free", (made * (CLIP_SIZE // len(made)))[:CLIP_SIZE])
    content = kind + _box(b"free", bytes(len(table) - 8)) + film + filling + table
    url = run.files.keep(content, "video/mp4", "output.mp4")
    output = {"video": {"url": url, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": len(content)}}
    return model(output | {"seed": seed_of(made)}, 200, ("x-fal-billable-units", "2.0"))


def _boxes(content: bytes) -> tuple[bytes, bytes, bytes]:
    """The parts of an MP4 that begins with its kind and its table of contents: these two, and the rest."""
    kind = content[: int.from_bytes(content[:4], "big")]
    rest = content[len(kind) :]
    size = int.from_bytes(rest[:4], "big")
    return kind, rest[:size], rest[size:]


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def binary(run: Run) -> Answer:
    made = digest(run)
    if run.get("content_type", "").startswith("image/"):
        return Answer(200, (("Content-Type", "image/png"),), picture(made))
    return Answer(200, (("Content-Type", "application/octet-stream"),), b"\0\xff\xfe" + made)


def text(run: Run) -> Answer:
    return Answer(200, (("Content-Type", "text/plain; charset=utf-8"),), f"Größe: {digest(run).hex()}\n".encode())


def page(run: Run) -> Answer:
    return Answer(200, (("Content-Type", "text/html; charset=utf-8"),), f"<p>{digest(run).hex()}</p>".encode())


def nothing(_: Run) -> Answer:
    return Answer(204)


def squeezed(run: Run) -> Answer:
    """As `echo`, compressed for those who say that they understand it."""
    plain = echo(run)
    if "gzip" not in run.asked.headers.get("accept-encoding", ""):
        return plain
    return replace(plain, body=gzip.compress(plain.content, mtime=0)).having(("Content-Encoding", "gzip"))


def packed(run: Run) -> Answer:
    """The body that the input has in base64, of the type and with the content encoding that it names."""
    told = [run.get(name, "") for name in ("type", "encoding", "body")]
    if not all(told):
        return failures.detail("missing", "body", "Field required", run.value)
    content_type, encoding, body = told
    return Answer(200, (("Content-Type", content_type), ("Content-Encoding", encoding)), base64.b64decode(body))


def llm(run: Run) -> Answer:
    return model({"output": "".join(_words(run)), "partial": False, "error": None})


def llm_stream(run: Run) -> Answer:
    """Server-sent events, each with all that is said so far."""
    return Answer(200, (("Content-Type", "text/event-stream; charset=utf-8"),), _said(run))


def _said(run: Run) -> Iterator[bytes]:
    words = _words(run)
    for count in range(1, len(words) + 1):
        event = {"output": "".join(words[:count]), "partial": count < len(words), "error": None}
        yield b"event: event\ndata: " + compact(event) + b"\n\n"
        run.wait(run.stream_seconds)


def _words(run: Run) -> list[str]:
    return [*WORDS, f" {digest(run).hex()[:8]}"]


def chatty(run: Run) -> Answer:
    """Events of all sorts."""
    return Answer(200, (("Content-Type", "text/event-stream; charset=utf-8"),), _chat(run))


def _chat(run: Run) -> Iterator[bytes]:
    made = digest(run).hex()
    for piece in (
        b": welcome\n\n",
        b"event: begin\nid: 1\nretry: 100\ndata: " + compact({"made": made}) + b"\n\n",
        b'data: {\ndata:   "lines": 2\ndata: }\n\n: ping\n\nretry: 2500\n\n',
        b"event: number\nid: 2\ndata: 1.10\n\nevent: number\r\ndata: 18446744073709551615\r\n\r\n",
        b"event: end\nid: 3\ndata: {}\n\n",
    ):
        yield piece
        run.wait(run.stream_seconds)


def broken_stream(run: Run) -> Answer:
    """Events that break off."""
    return Answer(200, (("Content-Type", "text/event-stream; charset=utf-8"),), _breaking(run))


def _breaking(run: Run) -> Iterator[bytes]:
    yield b"data: " + compact({"output": "I was about to"}) + b"\n\n"
    run.wait(0.1)
    raise troubles.Reset


def sound(run: Run) -> Answer:
    """Sound in pieces; of `bytes` bytes, one at least."""
    return Answer(200, (("Content-Type", "audio/mpeg"),), _pieces_of_sound(run))


def _pieces_of_sound(run: Run) -> Iterator[bytes]:
    made, size = digest(run), max(run.get("bytes", 600), 1)
    content = (b"ID3" + made * (size // len(made) + 1))[:size]
    for start in range(0, len(content), max(200, len(content) // 10)):
        yield content[start : start + max(200, len(content) // 10)]
        run.wait(run.stream_seconds)


def form(run: Run) -> Answer:
    """JSON where events were asked for: the answer, or what is wrong with the input."""
    if not run.get("prompt", ""):
        return failures.detail("missing", "prompt", "Field required", run.value)
    return llm(run)


def chat(run: Run) -> Answer:
    """As OpenAI's API: whole, or with `stream` piece by piece."""
    head = {"id": "gen-1", "created": 1_752_619_398, "model": run.get("model", "openai/gpt-4o-mini"), "provider": "x"}
    if run.get("stream", False):
        return Answer(200, (("Content-Type", "text/event-stream"),), _completions(run, head))
    message = {"role": "assistant", "content": "".join(_words(run))}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    return model(head | {"object": "chat.completion", "choices": [choice], "usage": usage})


def _completions(run: Run, head: dict[str, Any]) -> Iterator[bytes]:
    yield b": OPENROUTER PROCESSING\n\n"
    for word in [*_words(run), ""]:
        choice = {
            "index": 0,
            "delta": {"role": "assistant", "content": word},
            "finish_reason": None if word else "stop",
        }
        yield b"data: " + compact(head | {"object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n"
        run.wait(run.stream_seconds)
    yield b"data: [DONE]\n\n"


def poster(run: Run) -> Answer:
    made = digest(run)
    return model({"images": [_image(run, picture(made))], "node": "output"})


def poster_stream(run: Run) -> Answer:
    """The events of a workflow with one node."""
    return Answer(200, (("Content-Type", "text/event-stream; charset=utf-8"),), _nodes(run))


def _nodes(run: Run) -> Iterator[bytes]:
    output = json.loads(poster(run).content)
    node = {"node_id": "node-1"}
    for event in (
        {"type": "submit", **node, "app_id": "test/image", "request_id": run.request_id},
        {"type": "completion", **node, "output": output},
        {"type": "output", "output": output},
    ):
        yield b"data: " + compact(event) + b"\n\n"
        run.wait(run.stream_seconds)


def leaky(run: Run) -> Answer:
    """Everything that should not be kept."""
    headers = run.asked.headers
    jwt = ".".join(_encoded(part) for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"user":"u-17"}', digest(run)))
    signature, cookie = (run.told(hashlib.sha256(digest(run) + salt).hexdigest()) for salt in (b"signature", b"cookie"))
    run.told(jwt)
    address = headers.get("x-forwarded-for", "203.0.113.7")
    credentials = headers.get("authorization", "")
    secret = credentials.rpartition(":")[2]
    output = {
        "prompt": run.get("prompt", ""),
        "authorization": credentials,
        "debug": f"called with {credentials} from {address}",
        "nested": [{"key": secret, "cookie": headers.get("cookie", ""), "session": f"session={cookie}"}],
        "client_ip": address,
        "next": f"https://storage.googleapis.com/private/x.png?X-Goog-Expires=600&X-Goog-Signature={signature}",
        "token": jwt,
        "socket": f"wss://fal.run/test/leaky/realtime?fal_jwt_token={jwt}",
    }
    cookies = (("Set-Cookie", f"session={cookie}; Path=/; HttpOnly"), ("Set-Cookie", f"seen=1-{cookie}; Path=/"))
    return model(output, 200, *cookies, ("x-fal-cdn-token", jwt), ("X-Client-Address", address))


def leaky_stream(run: Run) -> Answer:
    """The same in events: as JSON, and in words."""
    told = leaky(run)
    events = (
        b"data: " + told.content + b"\n\n",
        b"data: I heard " + json.loads(told.content)["debug"].encode() + b"\n\n",
    )
    others = (header for header in told.headers if header[0] != "Content-Type")
    return Answer(200, (("Content-Type", "text/event-stream"), *others), iter(events))


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def fail(run: Run) -> Answer:
    """The failure that the path or "as" names, of `failures.OF_MODELS`; a bad input by default."""
    return failures.of_model(run.path.strip("/") or run.get("as", "missing"), run.value)


SLOW = Pace(queued=1.5, running=1.5, positions=3, logs=("loading", "step 1 of 2", "step 2 of 2"))
_ECHO = Model(echo)
_IMAGE = Model(image)
_FROM_IMAGE = Model(image_to_image)
_VIDEO = Model(video)
ROUTES: tuple[tuple[str, Model], ...] = (
    ("test/echo", _ECHO),
    ("test/echo/*", _ECHO),
    ("test/numbers", Model(numbers)),
    ("test/image", _IMAGE),
    ("test/image-to-image", _FROM_IMAGE),
    ("test/video", _VIDEO),
    ("test/image-to-video", _VIDEO),
    ("test/clip", Model(clip)),
    ("test/binary", Model(binary)),
    ("test/text", Model(text)),
    ("test/html", Model(page)),
    ("test/nothing", Model(nothing)),
    ("test/gzip", Model(squeezed)),
    ("test/packed", Model(packed)),
    ("test/packed/stream", Model(packed)),
    ("test/slow", Model(echo, SLOW)),
    ("test/stubborn", Model(echo, Pace(0, 2.0), stubborn=True)),
    ("test/endless", Model(echo, Pace(0, 3600))),
    ("test/waiting", Model(echo, Pace(3600, 0))),
    ("test/llm", Model(llm)),
    ("test/llm/stream", Model(llm_stream)),
    ("test/chatty/stream", Model(chatty)),
    ("test/broken/stream", Model(broken_stream)),
    ("test/tts/stream", Model(sound)),
    ("test/forms/stream", Model(form)),
    ("openrouter/router/openai/v1/chat/completions", Model(chat)),
    ("test/leaky", Model(leaky)),
    ("test/leaky/stream", Model(leaky_stream)),
    ("test/fail", Model(fail)),
    ("test/fail/*", Model(fail)),
    ("test/refuse/*", _ECHO),
    ("test/trouble/*", _ECHO),
    ("workflows/test/poster", Model(poster)),
    ("workflows/test/poster/stream", Model(poster_stream)),
    ("comfy/test/graph", _ECHO),
    ("110602490/fast-sdxl", _IMAGE),
    ("fal-ai/fast-sdxl", _IMAGE),
    ("fal-ai/flux/dev/image-to-image", _FROM_IMAGE),
    ("fal-ai/flux/*", _IMAGE),
    ("fal-ai/kling-video/*", _VIDEO),
    ("fal-ai/any-llm", Model(llm)),
    ("fal-ai/any-llm/stream", Model(llm_stream)),
)
"""Endpoint ids as globs, the first that fits counts."""


def find(endpoint: str) -> Model | None:
    """The model behind an endpoint id."""
    return next((found for glob, found in ROUTES if fnmatchcase(endpoint, glob)), None)


def is_app(base: str) -> bool:
    """Whether there is an app of this owner and alias."""
    return any(glob == base or glob.startswith(f"{base}/") for glob, _ in ROUTES)
