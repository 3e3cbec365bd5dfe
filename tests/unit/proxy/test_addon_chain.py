from __future__ import annotations

from mitmproxy.addonmanager import AddonManager
from mitmproxy.hooks import DoneHook
from mitmproxy.hooks import Hook
from mitmproxy.hooks import RunningHook
from mitmproxy.test import taddons

from falmock.proxy import addon_chain
from unit.proxy.mitm import mitmproxy


class Named:
    """An addon that records when it is called."""

    def __init__(self, name: str, heard: list[str]) -> None:
        self.name = name
        self.heard = heard

    def running(self) -> None:
        self.heard.append(self.name)

    async def done(self) -> None:
        self.heard.append(f"{self.name} is done")


class Putting(Named):
    """An addon that puts another one first."""

    def running(self) -> None:
        super().running()
        addon_chain.put_first(Named(f"put by {self.name}", self.heard))


def trigger(context: taddons.context, hook: Hook) -> None:
    manager: AddonManager = context.master.addons
    context.master.event_loop.run_until_complete(manager.trigger_event(hook))


def test_they_come_before_all_others_in_one_entry_of_the_chain() -> None:
    heard: list[str] = []
    with mitmproxy(Named("script", heard)) as context:
        addons = context.master.addons
        before = list(addons.chain)
        for name in ("first", "second"):
            addon_chain.put_first(Named(name, heard))
        assert addons.chain[1:] == before
        assert addons.get("second").heard is heard
        trigger(context, RunningHook())
        assert heard == ["second", "first", "script"]
        trigger(context, DoneHook())
        assert heard[3:] == ["second is done", "first is done", "script is done"]


def test_the_walk_that_is_under_way_goes_on_as_it_began() -> None:
    heard: list[str] = []
    with mitmproxy(Putting("one", heard), Named("two", heard)) as context:
        addon_chain.put_first(Putting("ahead", heard))
        trigger(context, RunningHook())
        assert heard == ["ahead", "one", "two"]
        assert context.master.addons.get("put by one") is not None
