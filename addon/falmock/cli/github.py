"""The lines that GitHub Actions makes annotations of.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def annotation(level: str, text: str, **properties: str) -> str:
    """A line for the log of a step; `level` is error, warning or notice. Properties without a value are left out."""
    given = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items() if value)
    return f"::{level}{f' {given}' if given else ''}::{text.translate(_DATA)}"


def file_of(path: str, environment: Mapping[str, str] = os.environ) -> str:
    """How GitHub names a file: by its path in the repository that the workflow has checked out."""
    return os.path.relpath(path, environment.get("GITHUB_WORKSPACE") or None) if path else ""
