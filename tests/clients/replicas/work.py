"""Clients that work while falmocks or their store fail, and note everything that contradicts what they were told before."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import NamedTuple

import httpx

from clients.running import KEY

PATIENCE = 60.0
"""How long (seconds) a call is tried again."""
ORDER = {"IN_QUEUE": 0, "IN_PROGRESS": 1, "COMPLETED": 2}
TURNS = 400
FIXTURES: list[dict[str, Any]] = [
    *(
        {
            "match": {"model": "acme/film", "input": {"number": number}},
            "response": {"json": {"film": number}},
            "queue": {"started": 0.1, "completed": 0.3},
        }
        for number in range(10)
    ),
    *(
        {
            "match": {"model": "acme/turns", "sequenceIndex": turn},
            "response": {"json": {"turn": turn}},
            "queue": {"completed": 0.05},
        }
        for turn in range(TURNS)
    ),
]
"""Jobs that take a moment, and a sequence."""


class Acknowledged(NamedTuple):
    """A job that was acknowledged to a client, and the webhook's path that it asked for."""

    request_id: str
    film: int


@dataclass
class Work:
    """What clients at one address do, and what came of it."""

    base: str
    hook: str = ""
    """Where webhooks go, if any: each job's path is added."""
    jobs: list[Acknowledged] = field(default_factory=list)
    turns: Counter[int] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    """How many calls, by what they were, got no answer of fal's: they were done, or not."""
    reasons: Counter[str] = field(default_factory=Counter)
    contradictions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        headers = {"Authorization": f"Key {KEY}"}
        self._client = httpx.AsyncClient(
            base_url=self.base, headers=headers, limits=limits, timeout=30, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, what: str, method: str, host: str, path: str, body: Any = None) -> httpx.Response:
        """The answer of a falmock; the call is sent again as long as there is none, or a 503."""
        until = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                headers = {"x-fal-target-host": host}
                answer = await self._client.request(method, f"/fal{path}", json=body, headers=headers)
            except httpx.HTTPError as error:
                told = type(error).__name__
            else:
                if answer.status_code != 503:
                    return answer
                told = f"503 {detail(answer)}"
            self.unsure[what] += 1
            self.reasons[told] += 1
            assert asyncio.get_running_loop().time() < until, f"{what}: no answer within {PATIENCE} s, but {told}"
            await asyncio.sleep(0.05)

    async def submit(self, film: int) -> Acknowledged:
        """Submit a job."""
        query = f"?fal_webhook={self.hook}" if self.hook else ""
        answer = await self.ask("submit", "POST", "queue.fal.run", f"/acme/film{query}", {"number": film})
        assert answer.status_code == 200, answer.text
        job = Acknowledged(answer.json()["request_id"], film)
        self.jobs.append(job)
        return job

    async def follow(self, job: Acknowledged) -> None:
        """Poll a job to its end, and get its result twice."""
        reached = 0
        while reached < ORDER["COMPLETED"]:
            status = await self._about(job, "/status")
            state = ORDER.get(status.get("status", ""), -1)
            if state < reached:
                self.contradictions.append(f"{job}: {status} after {list(ORDER)[reached]}")
                return
            reached = state
            await asyncio.sleep(0.05)
        await self.check(job)
        await self.check(job)

    async def check(self, job: Acknowledged) -> None:
        """A job that is over stays over, and its result stays the same."""
        status, result = await self._about(job, "/status"), await self._about(job, "")
        if status.get("status") != "COMPLETED" or result != {"film": job.film}:
            self.contradictions.append(f"{job} is over: {status}, {result}")

    async def _about(self, job: Acknowledged, action: str) -> dict[str, Any]:
        path = f"/acme/film/requests/{job.request_id}{action}"
        answer = await self.ask("poll", "GET", "queue.fal.run", path)
        try:
            told: dict[str, Any] = answer.json()
        except ValueError:
            told = {"text": answer.text}
        return told if answer.status_code in (200, 202) else {"code": answer.status_code, **told}

    async def turn(self) -> None:
        """Take the next answer of the sequence."""
        answer = await self.ask("turn", "POST", "fal.run", "/acme/turns", {})
        self.turns[answer.json()["turn"]] += 1

    async def one(self, number: int) -> None:
        """One client: a job and a turn."""
        await self.turn()
        await self.follow(await self.submit(number % 10))

    def told(self) -> str:
        """What was done, in one line."""
        return f"{len(self.jobs)} jobs, {self.unsure.total()} calls tried again: {dict(self.reasons)}"

    def check_turns(self) -> None:
        """No turn was given twice, and none is missing but those of calls without an answer."""
        twice = [turn for turn, times in self.turns.items() if times > 1 and turn < TURNS - 1]
        missing = set(range(max(self.turns, default=-1) + 1)) - set(self.turns)
        if twice or len(missing) > self.unsure["turn"]:
            self.contradictions.append(
                f"turns {twice} were given twice, {missing} never ({self.unsure['turn']} unsure)"
            )


def working(work: Work, clients: int, has_ended: Callable[[], bool]) -> None:
    """Have this many clients work, each again and again, until `has_ended`; then check all that was acknowledged again."""

    async def client(number: int) -> None:
        while not has_ended():
            await work.one(number)
            number += clients

    async def all_clients() -> None:
        try:
            await asyncio.gather(*map(client, range(clients)))
            for start in range(0, len(work.jobs), 20):
                await asyncio.gather(*map(work.check, work.jobs[start : start + 20]))
        finally:
            await work.close()

    asyncio.run(all_clients())
    work.check_turns()


def detail(answer: httpx.Response) -> str:
    """The reason in an error of fal's form."""
    try:
        told = answer.json()
    except ValueError:
        return answer.text
    return str(told.get("detail", json.dumps(told))) if isinstance(told, dict) else json.dumps(told)
