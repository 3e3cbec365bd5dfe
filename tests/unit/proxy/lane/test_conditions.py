"""Each of mitmproxy's options is set in turn: the lane is used only where that makes no difference."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from mitmproxy.tools.dump import DumpMaster
from mitmproxy.tools.web.master import WebMaster

from falmock.proxy.lane import conditions
from unit.proxy.mitm import mitmdump


def in_mitmdump(check: Callable[[Any], Any], kind: type[Any] = DumpMaster) -> Any:
    """What `check` returns in a mitmdump (or another program) that does not run."""

    async def run() -> Any:
        with mitmdump(kind) as master:
            return check(master)

    return asyncio.run(run())


NAMES = in_mitmdump(lambda master: sorted(master.options.keys()))


def changed(master: DumpMaster, name: str) -> None:
    """Set an option to another value than its default, without telling any addon."""
    option = master.options._options[name]
    default = option.default
    if option.choices:
        value: Any = next(choice for choice in option.choices if choice != default)
    elif isinstance(default, bool):
        value = not default
    elif isinstance(default, int):
        value = default + 7
    else:
        value = "x" if isinstance(default, str) or "Sequence" not in str(option.typespec) else ["x"]
    option.value = value


@pytest.mark.parametrize("name", NAMES)
def test_an_option_is_harmless_or_needs_flows(name: str) -> None:
    def found(master: DumpMaster) -> str:
        assert conditions.option_in_the_way() == ""
        changed(master, name)
        return conditions.option_in_the_way()

    assert in_mitmdump(found) == ("" if name in conditions._HARMLESS else name)


def test_what_shows_keeps_or_changes_flows_is_not_harmless() -> None:
    needed = {
        "allow_hosts",
        "anticache",
        "block_list",
        "body_size_limit",
        "certs",
        "ciphers_client",
        "client_replay",
        "dumper_filter",
        "flow_detail",
        "hardump",
        "ignore_hosts",
        "map_local",
        "map_remote",
        "modify_body",
        "modify_headers",
        "proxy_debug",
        "request_client_cert",
        "rfile",
        "save_stream_file",
        "server_replay",
        "stickyauth",
        "stickycookie",
        "store_streamed_bodies",
        "stream_large_bodies",
        "tcp_hosts",
        "tls_version_client_max",
        "tls_version_client_min",
        "validate_inbound_headers",
        "websocket",
    }
    assert not needed & conditions._HARMLESS


def test_less_detail_is_harmless() -> None:
    def found(master: DumpMaster) -> str:
        master.options._options["flow_detail"].value = 0
        return conditions.option_in_the_way()

    assert in_mitmdump(found) == ""


class Observer:
    def response(self, flow: object) -> None:
        """Looks at a flow."""


class Named(Observer):
    name = "an addon"


class Harmless:
    def running(self) -> None:
        """Looks at nothing."""


def script() -> ModuleType:
    made = ModuleType("__mitmproxy_script__.my_script.py")
    made.request = lambda flow: None  # type: ignore[attr-defined]  # noqa: ARG005
    return made


@pytest.mark.parametrize(
    ("addon", "name"),
    [(Observer(), "Observer"), (Named(), "an addon"), (script(), "my_script.py"), (Harmless(), "")],
)
def test_addons_that_look_at_flows(addon: object, name: str) -> None:
    def found(master: DumpMaster) -> str:
        assert conditions.observer() == ""
        master.addons.add(addon)
        return conditions.observer()

    assert in_mitmdump(found) == name


def test_an_addon_of_an_addon_counts() -> None:
    outer = Harmless()
    outer.addons = [Observer()]  # type: ignore[attr-defined]

    def found(master: DumpMaster) -> str:
        master.addons.add(outer)
        return conditions.observer()

    assert in_mitmdump(found) == "Observer"


def test_a_program_with_a_screen() -> None:
    assert in_mitmdump(lambda _: conditions.observer(), WebMaster) == "this program"
