"""What differs from run to run: ids, times, and the command that starts mitmdump."""

from __future__ import annotations

import re
import time
from datetime import UTC
from datetime import datetime

NEAR = 2 * 24 * 3600
"""How far from now a time (seconds) is at most that was made while playing; others are those of fixtures."""
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
_TIME = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_UNIX_TIME = re.compile(r"(?<=[:\[ ])(\d{10})(?:\d{3}|\.\d+)?(?=[,}\]])")
_ELAPSED = re.compile(r'(?<="inference_time":)[0-9.]+')
"""How long a job really took, which aimock's dialect tells; what a fixture says has a space before it."""

_STARTED = re.compile(
    r"(?<=mitmdump )-s \S*falmock_addon\.py --set confdir=\S+ --listen-host 127\.0\.0\.1 -p \d+(?: --set fal_fast=\w+)?"
)
"""How the tests start mitmdump, which reports of misses repeat."""
_SERVED = re.compile(r"falmock serve --port 0 --confdir \S+((?: --(?!set)[a-z-]+ (?:'[^']*'|[^\s\"\\]+))*)")
_SERVE_OPTION = re.compile(r" --([a-z-]+) ('?)")


def settled(text: str) -> str:
    """A text with names in place of what differs."""
    text = _SERVED.sub(_as_mitmdump, _STARTED.sub("{started}", text))
    text = _JWT.sub("{jwt}", _UUID.sub("{uuid}", text))
    text = _TIME.sub(lambda found: "{time}" if _is_near(_seconds(found[0])) else found[0], text)
    text = _UNIX_TIME.sub(lambda found: '"{seconds}"' if _is_near(float(found[1])) else found[0], text)
    return _ELAPSED.sub('"{elapsed}"', text)


def _as_mitmdump(served: re.Match[str]) -> str:
    """The mitmdump with the options of a `falmock serve`."""
    options = _SERVE_OPTION.sub(lambda flag: f" --set {flag[2]}fal_{flag[1].replace('-', '_')}=", served[1])
    return f"mitmdump {{started}}{options}"


def _is_near(seconds: float) -> bool:
    return abs(seconds - time.time()) < NEAR


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
