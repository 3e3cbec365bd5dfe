"""Checks what falmock needs to load. Imports only the standard library, and must be readable by Pythons that are too old."""

from __future__ import annotations

import re
import shlex
import sys
from importlib.util import find_spec

PYTHON = (3, 11)
MITMPROXY = (11, 0, 2)
"""The oldest mitmproxy that is supported."""
MITMPROXY_END = (13,)
"""The first mitmproxy that is not supported."""
PACKAGES = (
    "brotli",
    "cryptography",
    "httptools",
    "jsonschema",
    "msgpack",
    "pydantic_core",
    "pydantic_core",
    "referencing",
    "regex",
    "ruamel.yaml",
    "wsproto",
)
"""The modules imported besides mitmproxy; the packages have the same names."""

_NUMBERS = re.compile(r"\d+")


def unmet(python: tuple[int, ...], mitmproxy: str) -> str:
    """Why falmock cannot load with this Python and mitmproxy version, in one sentence; "" if it can."""
    if python < PYTHON:
        return f"falmock needs Python {_dotted(PYTHON)} or newer, but this mitmproxy runs with Python {_dotted(python)}"
    if not MITMPROXY <= tuple(map(int, _NUMBERS.findall(mitmproxy)[:3])) < MITMPROXY_END:
        wanted = f"mitmproxy>={_dotted(MITMPROXY)},<{_dotted(MITMPROXY_END)}"
        return f"falmock does not work with mitmproxy {mitmproxy}: {_install(wanted)}"
    missing = [name for name in PACKAGES if not _is_installed(name)]
    return (
        f"falmock needs packages that are not installed ({', '.join(missing)}): {_install(*missing)}" if missing else ""
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that holds it is missing
        return False


def _install(*packages: str) -> str:
    """The command that installs the packages for this interpreter."""
    if getattr(sys, "frozen", False):
        return (
            "this mitmproxy is a standalone binary, which takes no packages; install mitmproxy with pip or uv instead"
        )
    pip = [sys.executable, "-m", "pip", "install"]
    uv = ["uv", "pip", "install", "--python", sys.executable]  # its environments have no pip
    return f"run {shlex.join([*(pip if find_spec('pip') else uv), *packages])}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
