"""Where webhooks may go: to loopback and private addresses, or, if `fal_webhook_hosts` is set, to the hosts it lists.

Nothing is ever posted to fal's own hosts.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from falmock.engine.config import Config
from falmock.wire import addresses
from falmock.wire.webhook import WebhookTarget

_OF_NUMBERS = re.compile(r"\d[\d.*?]*|[0-9a-f*?]*:.*")


class RefusedDestination(Exception):
    """Nothing is posted to a target. The text says why, and which option allows it."""


def check_name(config: Config, target: WebhookTarget) -> None:
    """Raise RefusedDestination if the configuration forbids the name of the target's host."""
    host = target.host
    if config.hosts.claims(host, target.path):
        raise RefusedDestination(f"{host} is a host of fal's")
    if config.webhook_hosts and not any(_fits(host, glob) for glob in config.webhook_hosts):
        raise RefusedDestination(f"{host} is not among fal_webhook_hosts")


def _fits(host: str, glob: str) -> bool:
    """Whether a glob lists a host. One made of numbers lists addresses only: `10.*` does not list `10.example.com`."""
    is_fit = fnmatch.fnmatchcase(host, glob)
    return is_fit and (not _OF_NUMBERS.fullmatch(glob) or addresses.literal(host) is not None)


def allowed(config: Config, target: WebhookTarget, found: Sequence[str]) -> tuple[str, ...]:
    """The addresses to post to, of those that the target's host has.

    Raises RefusedDestination if there is none.
    """
    elsewhere = tuple(address for address in found if addresses.literal(address) not in config.dns_addresses)
    if found and not elsewhere:
        raise RefusedDestination(f"{target.host} is at {found[0]}, which stands for fal's hosts here (fal_dns_address)")
    if config.webhook_hosts:
        return elsewhere
    result = tuple(address for address in elsewhere if addresses.is_internal(address))
    if not result:
        what = "" if target.host in found else f" is {', '.join(found[:3])}, which"
        raise RefusedDestination(f"{target.host}{what} is not a loopback or private address. {_to_allow(target)}")
    return result


def refuse_unresolved(target: WebhookTarget) -> RefusedDestination:
    """The refusal of a name that an upstream proxy resolves, so that its address is not known here."""
    return RefusedDestination(f"{target.host} would be resolved by the upstream proxy. {_to_allow(target)}")


def _to_allow(target: WebhookTarget) -> str:
    return f"To post there: --set fal_webhook_hosts={target.host} (the option lists all hosts that may get webhooks)"
