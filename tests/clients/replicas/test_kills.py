"""Falmocks on one store, and the store, are killed while clients work: nothing that was acknowledged is contradicted.

`FALMOCK_KILLS` says how often, `FALMOCK_JOBS` how many jobs a hundred clients have; `scripts/soak` sets more than CI.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from pathlib import Path

from clients.receiver import Hook
from clients.receiver import receiver
from clients.replicas import group
from clients.replicas.balancer import balancing
from clients.replicas.work import FIXTURES
from clients.replicas.work import Work
from clients.replicas.work import working
from clients.running import Mitmdump
from clients.running import write_fixtures
from unit.store.servers import server

KILLS = int(os.environ.get("FALMOCK_KILLS", "20"))
JOBS = int(os.environ.get("FALMOCK_JOBS", "300"))
CLIENTS = 6


class Killed:
    """Three falmocks of which one is killed again and again, and replaced."""

    def __init__(self, confdir: Path, fixtures: Path, stack: ExitStack) -> None:
        self._confdir = confdir
        self._fixtures = fixtures
        self._stack = stack
        self._url = group.store_url()
        self.members = [self._start(kind) for kind in ("mitmdump", "serve", "serve")]
        ports = [member.ports[0] for member in self.members]
        self.balancer = stack.enter_context(balancing(confdir, ports))

    def _start(self, kind: str) -> Mitmdump:
        starting = group.STARTING[kind]
        return self._stack.enter_context(
            starting(self._confdir, self._url, ("--set", "fal_pace=recorded"), self._fixtures, None)
        )

    def kill_one(self, number: int, rng: random.Random) -> None:
        """Kill one, start another and have it take calls."""
        place = number % len(self.members)
        time.sleep(rng.uniform(0.1, 0.4))
        self.members[place].process.kill()
        self.members[place].process.wait()
        self.members[place] = self._start("mitmdump" if place == 0 else "serve")
        self.balancer.ports[place] = self.members[place].ports[0]


@contextmanager
def busy(work: Work) -> Iterator[None]:
    """Clients work until the end of the block; then all that was acknowledged is checked again."""
    has_ended = threading.Event()
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            working(work, CLIENTS, has_ended.is_set)
        except BaseException as error:  # noqa: BLE001 - raised below
            trouble.append(error)

    clients = threading.Thread(target=run)
    clients.start()
    try:
        yield
    finally:
        has_ended.set()
        clients.join()
    assert not trouble, trouble
    assert work.contradictions == []


def test_nothing_acknowledged_is_contradicted_when_falmocks_are_killed(confdir: Path, tmp_path: Path) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", *FIXTURES)
    rng = random.Random(17)
    with ExitStack() as stack:
        hook = stack.enter_context(receiver()).hook()
        killed = Killed(confdir, fixtures, stack)
        work = Work(f"http://127.0.0.1:{killed.balancer.port}", hook=hook.url)
        with busy(work):
            for number in range(KILLS):
                killed.kill_one(number, rng)
        assert len(work.jobs) > KILLS, "clients worked meanwhile"
        posted = _posted(hook, {job.request_id for job in work.jobs})
        outputs = "".join(member.output for member in killed.members)
    assert all(len(bodies) == 1 for bodies in posted.values()), "a webhook says the same each time"
    assert "Traceback" not in outputs
    print(f"{KILLS} kills, {work.told()}")


def test_nothing_acknowledged_is_contradicted_when_a_store_that_keeps_all_is_killed(
    confdir: Path, tmp_path: Path
) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", *FIXTURES)
    rng, kills = random.Random(17), max(KILLS // 5, 1)
    with ExitStack() as stack:
        group.needs_server()
        store = stack.enter_context(server("redis", "--appendonly", "yes", "--appendfsync", "always"))
        hook = stack.enter_context(receiver()).hook()
        options = ("--set", "fal_pace=recorded")
        mocks = stack.enter_context(
            group.group(
                confdir,
                *options,
                fixtures=fixtures,
                kinds=("serve", "serve"),
                store=group.store_url(store, timeout="1"),
            )
        )
        work = Work(mocks.proxy, hook=hook.url)
        with busy(work):
            for _ in range(kills):
                time.sleep(rng.uniform(0.5, 1))
                store.kill()
                time.sleep(rng.uniform(0, 0.5))
                store.start()
        assert len(work.jobs) > kills, "clients worked meanwhile"
        assert work.reasons, "calls were refused meanwhile"
        _posted(hook, {job.request_id for job in work.jobs})
        assert "Traceback" not in mocks.output
    print(f"{kills} kills of the store, {work.told()}")


def test_a_hundred_clients(confdir: Path, tmp_path: Path) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", *FIXTURES)
    options = ("--set", "fal_pace=recorded", "--set", f"fal_max_jobs={2 * JOBS}")  # all are looked at again
    with ExitStack() as stack:
        mocks = stack.enter_context(group.group(confdir, *options, fixtures=fixtures, kinds=("serve", "serve")))
        work = Work(mocks.proxy)
        working(work, 100, lambda: len(work.jobs) >= JOBS)
        assert "Traceback" not in mocks.output
    assert work.contradictions == []
    assert len(work.jobs) >= JOBS
    assert work.unsure == {}, work.reasons
    print(work.told())


def _posted(hook: Hook, wanted: set[str]) -> dict[str, set[bytes]]:
    """The bodies of webhooks by job, as soon as there is one of each job that was acknowledged."""
    until = time.monotonic() + 90
    while True:
        found: dict[str, set[bytes]] = {}
        for post in list(hook.posts):
            found.setdefault(post.headers["x-fal-webhook-request-id"], set()).add(post.body)
        missing = wanted - set(found)
        if not missing:
            return found
        assert time.monotonic() < until, f"{len(missing)} of {len(wanted)} jobs had no webhook: {sorted(missing)[:5]}"
        time.sleep(0.2)
