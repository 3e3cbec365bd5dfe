"""Records calls that no endpoint answers as plain HTTP: those of the Platform API, of other routes, with other methods."""

from __future__ import annotations

import re

from falmock.recording.composer import Composer
from falmock.recording.exchange import Exchange
from falmock.recording.match import NotAnInput
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.response import BuiltResponse
from falmock.recording.response import NotAnAnswer
from falmock.wire.hosts import FILE_ROLES
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role

_SITES = frozenset({"fal.ai", "www.fal.ai", "docs.fal.ai"})
"""Hosts of web pages; the first also serves an API."""
_SITE_API = "/api/"
_CREDENTIAL_HOSTS = frozenset({"auth.fal.ai", "gateway.fal.ai"})
_CREDENTIAL = re.compile(
    r"/(keys?|tokens?|secrets?|oauth2?|auth|login|logout|sessions?|credentials?|\.well-known)(/|$)", re.IGNORECASE
)
"""A segment of paths whose requests or answers hold credentials."""
_OF_JOB = re.compile(r"/requests/[^/]")


def name_of(exchange: Exchange) -> str:
    """A call in messages: method and URL, without the query."""
    request = exchange.request
    return f"{request.method} https://{request.host}{request.path}"


class PlainCalls:
    """Records calls by method, host, path and input."""

    def __init__(self, composer: Composer, hosts: Hosts) -> None:
        self._composer = composer
        self._hosts = hosts

    def record(self, role: Role, exchange: Exchange) -> list[Outcome]:
        """The outcomes of a call to no endpoint on a host with this role."""
        why = _why_never(role, exchange)
        return self.keep(exchange) if why is None else [NotRecorded(name_of(exchange), why)]

    def keep(self, exchange: Exchange, *, any_query: bool = False) -> list[Outcome]:
        """As `record`, for a call that is known to hold no credentials.

        `any_query`: clients spell its query in different ways, so it does not count.
        """
        about, request = name_of(exchange), exchange.request
        why = self._composer.trouble(exchange)
        if why is not None:
            return [NotRecorded(about, why)]
        takes_files = self._hosts.role(request.host) in FILE_ROLES
        try:
            match = self._composer.matches.of_plain_call(request, takes_files=takes_files)
            if any_query:
                match = {key: match[key] for key in ("method", "host", "path")}
            answered = self._composer.answer(exchange)
        except (NotAnInput, NotAnAnswer) as error:
            return [NotRecorded(about, str(error))]
        entry = {"match": match, "response": answered.response, "recorded": self._composer.recorded(exchange)}
        kept = BuiltResponse(answered.response, {}, answered.contents)
        return [self._composer.save(entry, about, exchange.started, kept)]


def _why_never(role: Role, exchange: Exchange) -> str | None:
    """Why a call is never recorded; None if it may be."""
    host, path = exchange.request.host, exchange.request.path
    if role in (Role.REST, Role.OTHER):
        if host in _CREDENTIAL_HOSTS or _CREDENTIAL.search(path):
            return "it may hold credentials"
        if host in _SITES and not path.startswith(_SITE_API):
            return "it is a page of fal's site, not a call of its API"
    if role in (Role.QUEUE, Role.ROUTER) and _OF_JOB.search(path):
        return "it names a job, and in replay jobs have other ids"
    return None
