"""What a person reads: why a test failed, what it called, what happened in the session."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_falmock.types import Call

_SHOWN = 100
NO_CALL = (
    "no call reached falmock in this test. A client that does not read HTTPS_PROXY and SSL_CERT_FILE, or that was made with other "
    "settings or before falmock was started, goes elsewhere: make it within the test or a fixture, or give it falmock.proxy"
)


@dataclass
class Counts:
    """Calls of tests."""

    tests: int = 0
    calls: int = 0
    replayed: int = 0
    misses: int = 0
    forwarded: int = 0

    def add(self, calls: Sequence[Call]) -> None:
        """Count the calls of a test."""
        self.tests += 1
        self.calls += len(calls)
        self.replayed += sum(call["fixture"] is not None for call in calls)
        self.misses += sum(call["miss"] is not None for call in calls)
        self.forwarded += sum(call["forwarded"] for call in calls)

    def add_all(self, others: Mapping[str, int]) -> None:
        """Count what another process counted (`asdict` of its counts)."""
        for name, count in others.items():
            setattr(self, name, getattr(self, name) + count)

    def told(self) -> str:
        """One line."""
        line = f"falmock: {_number(self.calls, 'call')} of {_number(self.tests, 'test')}, {self.replayed} replayed, {self.misses} missed"
        return f"{line}, {self.forwarded} forwarded to fal" if self.forwarded else line


def missed(misses: Sequence[Call], node_id: str) -> str:
    """Why a test fails whose calls no fixture answered."""
    reports = list(dict.fromkeys(call["miss"] or "" for call in misses))
    lines = [f"falmock: no fixture answered {_number(len(misses), 'call')} of this test:"]
    for text in reports:
        lines += ["", text]
    lines += [
        "",
        f"To record what is missing: FAL_KEY=... pytest --falmock-record=missing '{node_id}'",
        "To expect it: @pytest.mark.falmock(allow_misses=True)",
    ]
    return "\n".join(lines)


def journal(calls: Sequence[Call]) -> str:
    """The calls of a test, with the reports of misses."""
    if not calls:
        return NO_CALL
    lines = [_line(call) for call in calls[-_SHOWN:]]
    if len(calls) > _SHOWN:
        lines.insert(0, f"... {_number(len(calls) - _SHOWN, 'call')} before")
    lines += _reports(calls)
    return "\n".join(lines)


def _reports(calls: Iterable[Call]) -> Iterable[str]:
    for text in dict.fromkeys(call["miss"] for call in calls if call["miss"]):
        yield f"\n{text}"


def _line(call: Call) -> str:
    status = "fal" if call["forwarded"] else str(call["status"])
    by = call["fixture"] or ("MISS" if call["miss"] else call["why"])
    fault = f" fault {call['fault']}" if call["fault"] else ""
    warning = f" warning: {call['warning']}" if call["warning"] else ""
    return f"{call['number']:>4} {call['call']} {call['endpoint'] or call['path']} -> {status} {by}{fault}{warning}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
