"""Prints the lines of calls in the lane where mitmdump prints those of flows."""

from __future__ import annotations

from mitmproxy import ctx

from falmock.serving.call_lines import CallLines
from falmock.serving.call_lines import CallOutput


class MitmdumpLines(CallLines):
    """See `CallLines`. Nothing is printed where mitmdump prints no flows."""

    def out(self) -> CallOutput | None:
        """See `CallLines`."""
        dumper = ctx.master.addons.get("dumper")
        if dumper is None or not ctx.options.flow_detail:
            return None
        return CallOutput(dumper.outfp, dumper.out_has_vt_codes)
