"""Parses the values of the `fal_*` options into a Config."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TypeVar

from falmock.engine.config import MEMORY
from falmock.engine.config import Config
from falmock.engine.config import Dialect
from falmock.engine.config import Fast
from falmock.engine.config import Inspector
from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.engine.config import ProxyProfile
from falmock.engine.config import Validate
from falmock.engine.jobs import pace
from falmock.fixtures.matching import ignore_rules
from falmock.fixtures.matching import volatile
from falmock.fixtures.suggest import did_you_mean
from falmock.gateway.openai import models
from falmock.proxy import dns_addresses
from falmock.proxy.options import OPTIONS
from falmock.proxy.options import BadOption
from falmock.proxy.options import Option
from falmock.redaction.rules import BadSecret
from falmock.redaction.rules import SecretRules
from falmock.redaction.rules import parse_secrets
from falmock.store import address
from falmock.wire import hosts
from falmock.wire.auth import ANYONE
from falmock.wire.auth import AuthRule

Choice = TypeVar("Choice", bound=enum.Enum)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_TAKEN_PATHS = ("/health", "/ready", "/__falmock", "/__aimock", "/v1", "/fal")
"""The paths of the other doors."""
_STORE = "fal_store"
_TOKEN = re.compile(r"[\w.~+/=-]{8,}", re.ASCII)
_HOST_GLOB = re.compile(r"[a-z0-9*?._-]+|(?=[^:]*:[^:]*:)[0-9a-f:.*?]+")


def parse(values: Mapping[str, Sequence[str]], environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration from option values (by name). Raises BadOption."""
    single = {option.name: _one(option, values[option.name]) for option in OPTIONS if not option.repeats}
    pace_text = single["fal_pace"]
    try:
        extra = hosts.parse_extra(_many(values["fal_hosts"]))
    except hosts.BadHost as error:
        raise BadOption(f"fal_hosts: {error}") from None
    return Config(
        mode=_choice("fal_mode", single["fal_mode"], Mode),
        fixtures=tuple(_many(values["fal_fixtures"])),
        pace=_pace(pace_text),
        pace_text=pace_text,
        auth=_auth(single["fal_auth"], environment),
        hosts=hosts.Hosts(extra),
        ignore=_ignore(_many(values["fal_ignore"])),
        redact=_redact(_many(values["fal_redact"])),
        webhook_hosts=_webhook_hosts(_many(values["fal_webhook_hosts"])),
        dns_addresses=_dns_addresses(_many(values["fal_dns_address"])),
        faults=tuple(_many(values["fal_faults"])),
        misses=_choice("fal_miss", single["fal_miss"], Misses),
        validate=_choice("fal_validate", single["fal_validate"], Validate),
        dialect=_choice("fal_dialect", single["fal_dialect"], Dialect),
        fast=_choice("fal_fast", single["fal_fast"], Fast),
        store=_store(single["fal_store"], environment),
        proxy_path=_proxy_path(single["fal_proxy_path"]),
        proxy_profile=_choice("fal_proxy_profile", single["fal_proxy_profile"], ProxyProfile),
        control_token=_control_token(_many(values["fal_control_token"]), environment),
        inspector=_choice("fal_inspector", single["fal_inspector"], Inspector),
        openai_models=_openai_models(_many(values["fal_openai_models"]), environment),
        openai_access_key=environment.get("CUSTOM_ACCESS_KEY", "").strip(),
        fal_keys=_fal_keys(environment),
        job_ttl=_job_ttl(single["fal_job_ttl"]),
        max_jobs=_max_jobs(single["fal_max_jobs"]),
        max_age=_max_age(single["fal_max_age"]),
        max_age_text=single["fal_max_age"],
        record_errors=_all_or_none("fal_record_errors", single["fal_record_errors"]),
        record_schemas=_all_or_none("fal_record_schemas", single["fal_record_schemas"]),
        record_assets=_all_or_none("fal_record_assets", single["fal_record_assets"]),
    )


def _one(option: Option, values: Sequence[str]) -> str:
    if len(values) > 1 and option.name == _STORE:  # they may have passwords in them
        raise BadOption(f"{option.name}: expected one value such as {option.default}, found {len(values)}")
    if len(values) != 1 or not values[0].strip():
        given = f"{len(values)} values ({', '.join(values)})" if len(values) > 1 else "none"
        raise BadOption(f"{option.name}: expected one value such as {option.default}, found {given}")
    return values[0].strip()


def _many(values: Sequence[str]) -> list[str]:
    return [value for value in values if value.strip()]


def _choice(name: str, text: str, choices: type[Choice]) -> Choice:
    """The member of an enumeration with this value."""
    values = [choice.value for choice in choices]
    if text not in values:
        expected = " or ".join(values) if len(values) == 2 else f"one of {', '.join(values)}"
        raise BadOption(f"{name}: expected {expected}, found {text!r}{did_you_mean(text, values)}")
    return choices(text)


def _store(text: str, environment: Mapping[str, str]) -> str:
    if text != MEMORY and "://" not in text:  # it may be a password
        raise BadOption(f"{_STORE}: expected {MEMORY} or the URL of a store such as redis://HOST, found another text")
    if text != MEMORY:
        try:
            address.parse(text, environment)
        except address.BadAddress as error:  # does not repeat a password
            raise BadOption(f"{_STORE}: expected {MEMORY} or the URL of a store: {error}") from None
    return text


def _proxy_path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise BadOption(f"fal_proxy_path: expected a path such as /api/fal/proxy, found {text!r}")
    for taken in _TAKEN_PATHS:
        if text == taken or text.startswith(f"{taken}/"):
            raise BadOption(f"fal_proxy_path: expected a path that is free, found {text!r}: {taken} is falmock's own")
    return text


def _all_or_none(name: str, text: str) -> bool:
    if text not in ("all", "none"):
        raise BadOption(f"{name}: expected all or none, found {text!r}{did_you_mean(text, ('all', 'none'))}")
    return text == "all"


def _pace(text: str) -> pace.Pace:
    try:
        return pace.parse_pace(text)
    except pace.BadPace as error:
        raise BadOption(f"fal_pace: {error}{did_you_mean(text, ('instant', 'recorded', 'manual'))}") from None


def _auth(text: str, environment: Mapping[str, str]) -> AuthRule:
    if text == "any":
        return ANYONE
    if text == "required":
        return AuthRule(required=True)
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        keys = environment.get(name, "").replace(",", " ").split()
        if not keys:
            raise BadOption(f"fal_auth: expected keys in the environment variable {name!r}, found it empty or not set")
        return AuthRule(required=True, keys=tuple(keys))
    # The value may be a key pasted here by mistake: the message does not repeat it.
    raise BadOption(
        "fal_auth: expected any, required or env:NAME (keys are read from the environment, never from here)"
    )


def _openai_models(texts: Sequence[str], environment: Mapping[str, str]) -> models.Models:
    name = "fal_openai_models"
    if not texts:
        texts, name = (
            [environment.get("SUPPORTED_MODELS", "")],
            "fal_openai_models, from SUPPORTED_MODELS in the environment",
        )
    try:
        return models.parse(texts)
    except models.BadModels as error:
        raise BadOption(f"{name}: {error}") from None


def _fal_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The keys for falmock's own calls: from falProxy's variable, else from that of fal's clients."""
    several = environment.get("AI_KEYS", "").replace(",", " ").split()
    return tuple(dict.fromkeys(several or environment.get("FAL_KEY", "").split()))


def _control_token(texts: Sequence[str], environment: Mapping[str, str]) -> str:
    # The value may be the token: messages do not repeat it.
    if not texts:
        return ""
    if len(texts) > 1:
        raise BadOption(f"fal_control_token: expected one token, found {len(texts)}")
    token = texts[0].strip()
    if token.startswith("env:"):
        name = token.removeprefix("env:")
        token = environment.get(name, "").strip()
        if not token:
            raise BadOption(
                f"fal_control_token: expected a token in the environment variable {name!r}, found it empty or not set"
            )
    if not _TOKEN.fullmatch(token):
        raise BadOption(
            "fal_control_token: expected 8 characters or more of those that a header can hold (A-Z a-z 0-9 - . _ ~ + / =), "
            f"found {len(token)} characters"
        )
    return token


def _webhook_hosts(texts: Iterable[str]) -> tuple[str, ...]:
    globs = tuple(hosts.normalize(text.strip()) for text in texts)
    for glob in globs:
        if not _HOST_GLOB.fullmatch(glob):
            raise BadOption(
                "fal_webhook_hosts: expected a host name without scheme, port or path, such as localhost or "
                f"*.example.com, found {glob!r}"
            )
    return globs


def _dns_addresses(texts: Sequence[str]) -> tuple[dns_addresses.Address, ...]:
    try:
        return dns_addresses.parse_addresses(texts)
    except dns_addresses.BadAddress as error:
        raise BadOption(f"fal_dns_address: {error}") from None


def _ignore(texts: Iterable[str]) -> volatile.Ignores:
    try:
        return volatile.Ignores(map(ignore_rules.parse_ignore, texts))
    except ignore_rules.BadIgnore as error:
        raise BadOption(f"fal_ignore: {error}") from None


def _redact(texts: Iterable[str]) -> SecretRules:
    try:
        return parse_secrets(texts)
    except BadSecret as error:
        raise BadOption(f"fal_redact: {error}") from None


def _job_ttl(text: str) -> float:
    try:
        seconds = pace.parse_duration(text)
    except pace.BadPace as error:
        raise BadOption(f"fal_job_ttl: {error}") from None
    if seconds <= 0:
        raise BadOption(f"fal_job_ttl: expected more than nothing, found {text}")
    return seconds


def _max_age(text: str) -> float | None:
    if text == "none":
        return None
    try:
        seconds = pace.parse_duration(text) if text[-1:].isalpha() else 0.0
    except pace.BadPace:
        seconds = 0.0
    if seconds <= 0:
        raise BadOption(f"fal_max_age: expected an age such as 90d or 12h, or none, found {text!r}")
    return seconds


def _max_jobs(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= 10_000_000):
        raise BadOption(f"fal_max_jobs: expected a whole number from 1 to 10000000, found {text!r}")
    return int(text)
