"""The fixture `falmock`: what a test can ask of falmock, and add to it."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Unpack
from typing import cast

from pytest_falmock import builders
from pytest_falmock.builders import Media
from pytest_falmock.builders import When
from pytest_falmock.control import Control
from pytest_falmock.control import segment
from pytest_falmock.environment import with_scope
from pytest_falmock.server import Ready
from pytest_falmock.types import Call
from pytest_falmock.types import Expected
from pytest_falmock.types import JobState

_MOST = 1000
"""How many items one answer may have."""


@dataclass(frozen=True)
class Job:
    """A job of the queue, to be moved by hand. `state` is what it was when it was last asked for."""

    state: JobState
    _mock: Falmock

    @property
    def request_id(self) -> str:
        """Its request id."""
        return self.state["request_id"]

    @property
    def endpoint(self) -> str:
        """The endpoint id that it was submitted to."""
        return self.state["endpoint"]

    @property
    def status(self) -> str:
        """What the client saw: IN_QUEUE, IN_PROGRESS or COMPLETED."""
        return self.state["status"]

    def advance(self) -> Job:
        """Move it by one step: to running, then to its end."""
        return self._moved("advance")

    def complete(self) -> Job:
        """Complete it, with the answer of its fixture."""
        return self._moved("complete")

    def fail(self, error: str | Mapping[str, Any] | None = None) -> Job:
        """End it with an error, as in the key `error` of a fault."""
        return self._moved("fail", None if error is None else {"error": error})

    def hold(self) -> Job:
        """Hold it in its state until it is moved or released."""
        return self._moved("hold")

    def release(self) -> Job:
        """Let it continue at its pace; at the pace `manual` it ends at once."""
        return self._moved("release")

    def _moved(self, act: str, body: Any = None) -> Job:
        return Job(self._mock.ask("POST", f"/jobs/{segment(self.request_id)}/{act}", body), self._mock)


class Falmock:
    """falmock as one test sees it: with jobs, journal, sequences and added fixtures of its own.

    Attributes:
        mode: What happens to calls: `replay`, `record` or `auto`.
        scope: The name by which falmock knows the test.
        url: falmock's own address, http://127.0.0.1:PORT.
        misses_allowed: Whether calls that no fixture answers let the test pass.
    """

    def __init__(self, ready: Ready, mode: str, scope: str, *, misses_allowed: bool = False) -> None:
        self.mode = mode
        self.scope = scope
        self.url = ready.url
        self.misses_allowed = misses_allowed
        self._ready = ready
        self._control = Control(ready.url)

    def ask(self, method: str, path: str, body: Any = None, **query: str | float | bool) -> Any:
        """Any call of the control API about this test, as in `ask("GET", "/journal", call="submit")`. Raises FalmockError."""
        return self._control.ask(method, path, body, scope=self.scope, **query)

    # addresses

    @property
    def proxy(self) -> str:
        """The address of the proxy whose calls are this test's, for a client that does not read the environment."""
        return with_scope(self.url, self.scope)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a program's calls this test's. Subprocesses inherit them anyway, unless they get their own."""
        values = dict(self._ready.environment)
        values.update(dict.fromkeys(self._ready.proxied, self.proxy))
        return {**values, "FALMOCK_SCOPE": self.scope}

    @property
    def headers(self) -> dict[str, str]:
        """The headers that make a call to `url` or `openai_base_url` this test's."""
        return {"x-falmock-scope": self.scope}

    @property
    def openai_base_url(self) -> str:
        """The `base_url` of OpenAI's SDKs; give them `default_headers=falmock.headers` too."""
        return f"{self.url}/v1"

    # fixtures and faults

    def add(self, *entries: Mapping[str, Any], assets: Mapping[str, Media | bytes] | None = None) -> list[str]:
        """Add fixtures for this test, which take precedence over those in files; return their ids.

        `entries` are as in a fixture file; `assets` are the files that they name in `{"$file": NAME}`: paths, or their
        content. falmock checks them: FalmockError says what is wrong.
        """
        body: dict[str, Any] = {"fixtures": list(entries)}
        if assets:
            body["assets"] = {name: base64.b64encode(_content(each)).decode() for name, each in assets.items()}
        added = self.ask("POST", "/fixtures", body)["fixtures"]
        return [str(each["id"]) for each in added]

    def add_run(self, model: str, json: Any, *, status: int = 200, **when: Unpack[When]) -> list[str]:
        """Add the answer of a model to any kind of call; with a `status` of 400 or more the call fails."""
        return self.add(builders.run(model, json, status=status, **when))

    def add_error(self, model: str, error: str | Mapping[str, Any], **when: Unpack[When]) -> list[str]:
        """Add an error of a model by its name, such as "content_policy_violation"."""
        return self.add(builders.error(model, error, **when))

    def add_image(
        self, model: str, *images: Media, size: tuple[int, int] | None = None, seed: int = 0, **when: Unpack[When]
    ) -> list[str]:
        """Add the answer of an image model: `images` are files or URLs; without any it has one, a small PNG.

        `size` is the width and height in pixels; if None, they are read from PNG files.
        """
        return self._add_draft(builders.image(model, images, size=size, seed=seed, **when))

    def add_video(self, model: str, video: Media, *, seed: int = 0, **when: Unpack[When]) -> list[str]:
        """Add the answer of a video model: a file or a URL."""
        return self._add_draft(builders.video(model, video, seed=seed, **when))

    def add_audio(self, model: str, audio: Media, **when: Unpack[When]) -> list[str]:
        """Add the answer of an audio model: a file or a URL."""
        return self._add_draft(builders.audio(model, audio, **when))

    def _add_draft(self, draft: builders.Draft) -> list[str]:
        return self.add(draft.entry, assets=draft.assets)

    def set_faults(self, *rules: Mapping[str, Any]) -> None:
        """Set the rules for faults of this test, in place of those set before: as in a file of fal_faults. None: no faults."""
        if rules:
            self.ask("PUT", "/faults", {"faults": list(rules)})
        else:
            self.ask("DELETE", "/faults")

    def set_pace(self, pace: str) -> None:
        """Have the jobs that are submitted from now on move at this pace: `instant`, `recorded`, `x10`, `3s`, `polls:1,2`, `manual`."""
        self._control.ask("PUT", f"/scopes/{segment(self.scope)}", {"pace": pace})

    def allow_misses(self) -> None:
        """Let the test pass although no fixture answers some calls."""
        self.misses_allowed = True

    # jobs

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this test, in the order of their submits."""
        return [Job(each, self) for each in self.ask("GET", "/jobs", limit=_MOST)["jobs"]]

    def job(self, request_id: str) -> Job:
        """One job."""
        return Job(self.ask("GET", f"/jobs/{segment(request_id)}"), self)

    def advance(self, request_id: str | None = None) -> list[Job]:
        """Move a job by one step; by default all jobs that are not over. Returns them."""
        return [job.advance() for job in self._open(request_id)]

    def complete(self, request_id: str | None = None) -> list[Job]:
        """Complete a job, with the answer of its fixture; by default all jobs that are not over. Returns them."""
        return [job.complete() for job in self._open(request_id)]

    def _open(self, request_id: str | None) -> list[Job]:
        if request_id is not None:
            return [self.job(request_id)]
        return [job for job in self.jobs if job.state["ended"] is None]

    # what was called

    @property
    def journal(self) -> list[Call]:
        """The calls of this test, the oldest first (the last 1000)."""
        return self.calls()

    def calls(self, **only: str | float | bool) -> list[Call]:
        """The calls of this test for which this holds, as in `calls(call="submit", endpoint="fal-ai/flux/*")`."""
        found = self.ask("GET", "/journal", limit=_MOST, **only)
        if found["total"] > _MOST:
            found = self.ask("GET", "/journal", limit=_MOST, offset=found["total"] - _MOST, **only)
        return cast("list[Call]", found["entries"])

    @property
    def misses(self) -> list[Call]:
        """The calls of this test that no fixture answered."""
        return self.calls(miss=True)

    def verify(
        self,
        endpoint: str | None = None,
        *,
        call: str | None = None,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - what fal calls it
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        calls: Iterable[Expected] = (),
        in_order: bool = False,
        nothing_unmatched: bool = False,
        fixtures_used: str | None = None,
    ) -> None:
        """Raise an AssertionError unless the calls of this test were as expected.

        `endpoint` to `at_most` expect one kind of call, at least once if no number is given: `endpoint` may be a glob,
        `call` a kind of call (by default those that ask a model for something), `input` what the input must contain.
        `calls` expects several, `in_order` in this order. `fixtures_used` is "added" or "all": those must all have answered.
        """
        __tracebackhide__ = True
        one = {
            "endpoint": endpoint,
            "call": call,
            "input": input,
            "times": times,
            "at_least": at_least,
            "at_most": at_most,
        }
        expected: list[Any] = list(calls)
        if any(value is not None for value in one.values()):
            expected.insert(0, {name: value for name, value in one.items() if value is not None})
        body: dict[str, Any] = {"calls": expected} if expected else {}
        body.update({"in_order": True} if in_order else {})
        body.update({"nothing_unmatched": True} if nothing_unmatched else {})
        body.update({"fixtures_used": fixtures_used} if fixtures_used is not None else {})
        status, verdict = self._control.answer("POST", "/verify", body, scope=self.scope)
        if status == 406:
            raise AssertionError("falmock: " + "\n".join(verdict["problems"]))
        if status != 200:
            self.ask("POST", "/verify", body)  # raises


def _content(given: Media | bytes) -> bytes:
    return given if isinstance(given, bytes) else Path(os.fspath(given)).read_bytes()
