"""The pace of a scope, also of the default one, in the control API."""

from __future__ import annotations

from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import BadPace
from falmock.engine.jobs.pace import parse_pace
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Body
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import problem


def _set(call: Call) -> Reply:
    text = call.body["pace"]
    if text is None:
        call.engine.use_shared_pace()
    else:
        try:
            call.engine.use_pace(parse_pace(text), text)
        except BadPace as error:
            return problem(400, f"pace: {error}")
    return answer(200, {"pace": call.engine.config.pace_text}, "pace")


OPERATIONS = (
    Operation(
        "PUT",
        f"{PREFIX}/pace",
        "setPace",
        "Set the pace of the new jobs of a scope, until the scope is reset or dropped.",
        _set,
        {200: ("The pace that new jobs have.", closed(pace={"type": "string"}))},
        body=Body(
            closed(pace={"type": ["string", "null"], "description": "As in fal_pace; null: fal_pace itself."}),
            "The pace.",
            {"pace": "manual"},
        ),
    ),
)
