"""Faults of streams: late, dripped, cut, or with an error in place of the rest."""

from __future__ import annotations

from falmock.engine.effects import End
from falmock.engine.effects import Source
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.engine.faults.replies import delay_of
from falmock.engine.faults.replies import fault_header
from falmock.engine.faults.replies import malformed
from falmock.engine.faults.replies import reason_of
from falmock.engine.injected_fault import InjectedFault
from falmock.fixtures.fault import BadBody
from falmock.fixtures.fault import Breaks
from falmock.fixtures.fault import Fault
from falmock.fixtures.fault import Size
from falmock.fixtures.fault import StreamEnd
from falmock.wire.errors import envelope
from falmock.wire.formats import sse
from falmock.wire.message import Header
from falmock.wire.message import header_map
from falmock.wire.message import header_value

_ENDS = {StreamEnd.ERROR: End.WHOLE, StreamEnd.CUT: End.CUT, StreamEnd.RESET: End.RESET}


class BrokenStream:
    """A stream that ends after `left` pieces: with `last` as one more piece if set, then as `end` says.

    Keep-alive comments are not counted.
    """

    def __init__(self, source: Source, left: int, end: End, last: bytes = b"") -> None:
        self._source = source
        self._left = left
        self._end = end
        self._last = (last,) if last else ()

    def step(self, now: float) -> StreamStep:
        """What is due at `now`; see `Source`."""
        if self._left == 0:
            return StreamStep(self._last, end=self._end)
        step = self._source.step(now)
        if step.keep_alive:
            return step
        if len(step.pieces) < self._left:
            self._left -= len(step.pieces)
            return step
        pieces, self._left = step.pieces[: self._left], 0
        return StreamStep(pieces + self._last, end=self._end)


class TruncatedStream:
    """A stream that is cut after `left` bytes."""

    def __init__(self, source: Source, left: int) -> None:
        self._source = source
        self._left = left

    def step(self, now: float) -> StreamStep:
        """What is due at `now`; see `Source`."""
        if self._left == 0:
            return StreamStep(end=End.CUT)
        step = self._source.step(now)
        pieces = []
        for piece in step.pieces:
            pieces.append(piece[: self._left])
            self._left -= len(pieces[-1])
            if self._left == 0:
                return StreamStep(tuple(pieces), end=End.CUT)
        return step


class ShiftedStream:
    """A stream with every piece delayed by `wait` seconds."""

    def __init__(self, source: Source, wait: float) -> None:
        self._source = source
        self._wait = wait

    def step(self, now: float) -> StreamStep:
        """What is due at `now`; see `Source`."""
        step = self._source.step(now - self._wait)
        return step if step.again is None else step._replace(again=step.again + self._wait)


class DelayedStream:
    """A stream whose first piece comes `wait` seconds after its headers."""

    def __init__(self, source: Source, wait: float) -> None:
        self._source = source
        self._wait = wait
        self._from: float | None = None

    def step(self, now: float) -> StreamStep:
        """What is due at `now`; see `Source`."""
        if self._from is None:
            self._from = now + self._wait
        return StreamStep(again=self._from) if now < self._from else self._source.step(now)


class DrippedStream:
    """A stream in pieces of `size` bytes, at least `every` seconds apart."""

    def __init__(self, source: Source, size: int, every: float) -> None:
        self._source = source
        self._size = size
        self._every = every
        self._held = b""
        self._last_step: StreamStep = StreamStep()
        self._free = 0.0

    def step(self, now: float) -> StreamStep:
        """What is due at `now`; see `Source`."""
        if self._last_step.end is End.OPEN:
            self._last_step = self._source.step(now)
            self._held += b"".join(self._last_step.pieces)
        if not self._held:
            return self._last_step._replace(pieces=())
        if now < self._free:
            return StreamStep(again=self._free)
        piece, self._held = self._held[: self._size], self._held[self._size :]
        self._free = now + self._every
        if self._held:
            return StreamStep((piece,), again=self._free)
        return self._last_step._replace(pieces=(piece,))


class MalformedStream:
    """A stream of events with invalid JSON as their data."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def step(self, now: float) -> StreamStep:
        """What is due at `now`; see `Source`."""
        step = self._source.step(now)
        if step.keep_alive:
            return step
        return step._replace(pieces=tuple(malformed(piece) + b"\n\n" for piece in step.pieces))


def applied(injected: InjectedFault, stream: Stream, app: str) -> Stream:
    """A stream with the fault applied. Bodies other than a malformed one are applied to a Reply instead."""
    fault = injected.fault
    if fault.stream is None and not fault.delays_or_breaks:
        return stream
    headers, source, delay = stream.headers, stream.source, delay_of(injected)
    wait = delay + fault.first_byte
    if wait and not stream.key:  # a stream about a job shows the job as it is when it is sent
        source = ShiftedStream(source, wait)
    if fault.content_type is not None:
        rest = (pair for pair in headers if pair[0].lower() != b"content-type")
        headers = ((b"Content-Type", header_value(fault.content_type)), *rest)
    return stream._replace(
        headers=(*headers, fault_header(fault.name)),
        source=_source(fault, source, app, stream),
        why=f"{stream.why}; {reason_of(injected)}",
        delay=stream.delay + delay,
        fault=fault.name,
        length=None if fault.content_length is None else _known(fault.content_length, stream.size),
    )


def _known(size: Size, of: int | None) -> int | None:
    """A size in bytes for a stream of `of` bytes; None if it depends on that and `of` is unknown."""
    if of is None and size.depends:
        return None
    return size.of(of or 0)


def _source(fault: Fault, source: Source, app: str, stream: Stream) -> Source:
    if fault.body is BadBody.MALFORMED:
        source = MalformedStream(source)
    if fault.stream is not None:
        source = BrokenStream(source, fault.stream.after, _ENDS[fault.stream.end], _last(fault, app, stream.headers))
    cut = None if fault.truncate is None else _known(fault.truncate, stream.size)
    if cut is not None:
        source = TruncatedStream(source, cut)
    if fault.drip is not None:
        source = DrippedStream(source, *fault.drip)
    if fault.first_byte:
        source = DelayedStream(source, fault.first_byte)
    if fault.reset is Breaks.AFTER_HEADERS:
        source = BrokenStream(source, 0, End.RESET)
    return source


def _last(fault: Fault, app: str, headers: tuple[Header, ...]) -> bytes:
    """The error inside a stream: its body, as one event in a stream of events."""
    if fault.stream is None or fault.stream.error is None:
        return b""
    body = envelope(fault.stream.error, app).body
    return sse.event(body.decode()) if header_map(headers).get("content-type", "").startswith(sse.MEDIA_TYPE) else body
