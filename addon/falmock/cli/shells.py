"""Environment variables as shells and tools read them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from collections.abc import Mapping

_PLAIN = re.compile(r"[\w./:@,=+-]*", re.ASCII)
"""What no format gives a meaning."""
_DOTENV_QUOTES = "'\"`"
_PWSH_QUOTES = re.compile("['\u2018-\u201b]")


class Unwritable(ValueError):
    """A format has no way to write a value; the text says which."""


def sh(name: str, value: str) -> str:
    """A line for sh, bash, zsh and other shells of their kind."""
    quoted = value.replace("'", "'\\''")
    return f"export {name}='{quoted}'"


def fish(name: str, value: str) -> str:
    """A line for fish, where a backslash stands before a quote or a backslash within quotes."""
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}'"


def pwsh(name: str, value: str) -> str:
    """A line for PowerShell, to which typographic quotes are quotes too."""
    quoted = _PWSH_QUOTES.sub(lambda found: found[0] * 2, value)
    return f"$env:{name} = '{quoted}'"


def dotenv(name: str, value: str) -> str:
    """A line of a .env file. Its readers differ: a value is written in the quotes that it does not contain. Raises Unwritable."""
    if _PLAIN.fullmatch(value):
        return f"{name}={value}"
    for quote in _DOTENV_QUOTES:
        # within double quotes, readers replace \n
        if quote not in value and not (quote == '"' and "\\" in value):
            return f"{name}={quote}{value}{quote}"
    raise Unwritable(f"{name} cannot be written to a .env file, because its value has all kinds of quotes: {value}")


def github(name: str, value: str) -> str:
    """What is appended to the file that $GITHUB_ENV names."""
    end = f"falmock-{hashlib.sha256(value.encode()).hexdigest()[:16]}"
    return f"{name}<<{end}\n{value}\n{end}"


LINES: Mapping[str, Callable[[str, str], str]] = {
    "sh": sh,
    "fish": fish,
    "pwsh": pwsh,
    "dotenv": dotenv,
    "github": github,
}
"""How each format writes a variable."""
JSON = "json"
FORMATS = (*LINES, JSON)


def written(variables: Mapping[str, str], to: str) -> str:
    """All variables in one of the formats. Raises Unwritable."""
    if to == JSON:
        return json.dumps(variables, indent=2)
    return "\n".join(LINES[to](name, value) for name, value in variables.items())
