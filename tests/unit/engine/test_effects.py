"""A conversation around another one."""

from __future__ import annotations

from falmock.engine.effects import ConversationWrapper
from falmock.engine.effects import SocketStep
from falmock.wire.formats.frames import Text


class Echo:
    def opened(self, now: float) -> SocketStep:
        return SocketStep((Text(f"opened {now}"),))

    def received(self, message: str | bytes, now: float) -> SocketStep:
        return SocketStep((Text(f"received {message!r} {now}"),))

    def due(self, now: float) -> SocketStep:
        return SocketStep((Text(f"due {now}"),))


class Marked(ConversationWrapper):
    def _passed(self, step: SocketStep, now: float) -> SocketStep:
        return step._replace(frames=(*step.frames, Text(f"passed {now}")), again=9.0)


def test_each_step_is_the_other_conversations_and_passes_once() -> None:
    wrapper = Marked(Echo())
    assert wrapper.opened(1.0) == SocketStep((Text("opened 1.0"), Text("passed 1.0")), again=9.0)
    assert wrapper.received("hi", 2.0) == SocketStep((Text("received 'hi' 2.0"), Text("passed 2.0")), again=9.0)
    assert wrapper.due(3.0) == SocketStep((Text("due 3.0"), Text("passed 3.0")), again=9.0)
