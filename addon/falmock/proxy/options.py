"""Declares the `fal_*` options to mitmproxy.

mitmproxy lets bad options through to the real, billed API in several ways, so every guard here has a reason:

- An int or bool option with a mistyped value makes mitmproxy drop the addon and proxy on: all of ours are text.
- So does an option given twice, or without a value, unless it is a sequence: all of ours are sequences, where
  twice is for `option_values.parse` to judge. A scalar from config.yaml is made a sequence before mitmproxy's type check sees it.
- An unknown name is kept in `options.deferred` for ever, in silence: `check_names` finds it.
- `choices` is not enforced for `--set`: `option_values.parse` checks every value.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.engine.config import MEMORY
from falmock.engine.jobs import pace
from falmock.fixtures.matching import ignore_rules
from falmock.fixtures.suggest import did_you_mean
from falmock.gateway.openai import models
from falmock.proxy import dns_addresses

PREFIX = "fal_"


class Option(NamedTuple):
    """One option: its name, its default as a user would write it ("" for none), its help, and whether it may repeat."""

    name: str
    default: str
    help: str
    repeats: bool = False


OPTIONS = (
    Option(
        "fal_mode",
        "replay",
        "replay: answer from fixtures, nothing leaves. record: forward to fal and write fixtures. "
        "auto: replay what matches, forward and record the rest. passthrough: forward to fal, write nothing.",
    ),
    Option(
        "fal_fixtures",
        "./fixtures",
        "Directories or files with fixtures; repeat the option to name several. Recordings go to the first.",
        repeats=True,
    ),
    Option("fal_pace", "instant", f"How a queued job moves: {pace.FORMS}."),
    Option(
        "fal_auth",
        "any",
        "any: with or without a key. required: 401 without one. env:NAME: only the keys in the environment variable NAME.",
    ),
    Option(
        "fal_hosts",
        "",
        "Further hosts to answer for, besides fal's own: NAME (run host, and queue.NAME its queue) or NAME=run|queue|rest|cdn|hf.",
        repeats=True,
    ),
    Option(
        "fal_webhook_hosts",
        "",
        "The only hosts that a fal_webhook is posted to, as names or globs; repeat the option to name several. "
        "None: those at loopback and private addresses. Never fal's.",
        repeats=True,
    ),
    Option(
        "fal_dns_address",
        dns_addresses.DEFAULT,
        "What fal's names resolve to in DNS: an IPv4 address, an IPv6 address, or (the option given twice) one of each. "
        "A public one needs a transparent mode.",
        repeats=True,
    ),
    Option(
        "fal_faults",
        "",
        "Files (JSON or TOML) with rules for what goes wrong with which calls; repeat the option to name several.",
        repeats=True,
    ),
    Option(
        "fal_record_assets",
        "all",
        "all: when a recording ends, files that answers name and the app did not download are fetched. none: they are not.",
    ),
    Option(
        "fal_record_schemas",
        "all",
        "all: when a recording ends, the schemas of the endpoints in it are fetched from fal, without a key, unless they are there. "
        "none: they are not.",
    ),
    Option(
        "fal_record_errors",
        "none",
        "none: fal's own trouble (401, 403, 429, 502, 503, errors of its gateway) is not recorded. all: it is.",
    ),
    Option(
        "fal_miss",
        "fail",
        "fail: in replay, a call that no fixture answers is 404 with a report. synthesize: its answer is made, by the model's schema "
        "(_schemas/ beside the fixtures) or else by a guess from the endpoint id, with media that play.",
    ),
    Option(
        "fal_validate",
        "warn",
        "Inputs are checked by the model's schema, where there is one. warn: a fixture's answer stays, with a warning. on: what fal "
        "would refuse is refused, in fal's words, unless it was recorded. off: they are not, but for made answers.",
    ),
    Option(
        "fal_ignore",
        "",
        f"What in inputs does not count, in matching and recording: {ignore_rules.FORMS} "
        "(uuid, ulid, timestamp, signed-url); repeat the option to name several.",
        repeats=True,
    ),
    Option(
        "fal_redact",
        "",
        "What is hidden besides keys, tokens, cookies, signatures and addresses: NAME (of a header, query parameter or "
        "JSON key) or /REGEX/; repeat the option to name several.",
        repeats=True,
    ),
    Option(
        "fal_fast",
        "auto",
        "auto: in replay, calls are answered below mitmproxy's HTTP layers where nobody looks at flows: several times faster. on: also where "
        "other addons or options would see flows. off: never.",
    ),
    Option(
        "fal_store",
        MEMORY,
        "Where jobs, uploads, counts and the journal are. memory: in this process. redis://HOST, rediss://, valkey:// or unix://PATH: in a "
        "Redis or Valkey that several processes share.",
    ),
    Option(
        "fal_dialect",
        "fal",
        "fal: aimock's routes (/fal/...) answer as fal does. aimock: they answer as aimock does, where the two differ.",
    ),
    Option(
        "fal_proxy_path",
        "/api/fal/proxy",
        "Where falmock is fal's server-side proxy: the path that a client's proxyUrl ends in.",
    ),
    Option(
        "fal_proxy_profile",
        "documented",
        "documented: that proxy keeps to the formula in fal's documentation. official: it does as @fal-ai/server-proxy 1.2.1.",
    ),
    Option(
        "fal_openai_models",
        "",
        f"The models of the OpenAI images API: {models.FORMS}, or repeat the option. Without it (and without SUPPORTED_MODELS in the "
        "environment): the endpoint ids of fixtures with images.",
        repeats=True,
    ),
    Option(
        "fal_control_token",
        "",
        "What callers of the control API have to show (Authorization: Bearer), from wherever they call: a text, or env:NAME for that of an "
        "environment variable. Without it only this machine may call.",
        repeats=True,
    ),
    Option(
        "fal_inspector",
        "write",
        "The page for people at /__falmock/. write: it shows what happened, and changes faults, jobs and fixtures. read: it shows only. "
        "off: there is none. Other machines may read it only with fal_control_token.",
    ),
    Option(
        "fal_job_ttl",
        "1h",
        "How long a job is kept after its end, and the parts of an unfinished upload after the last of them: 90s, 5m, 1h.",
    ),
    Option(
        "fal_max_age",
        "none",
        "How old recordings may be before falmock warns at the start: 90d, 12h. none: any age.",
    ),
    Option("fal_max_jobs", "10000", "How many jobs are kept at most; those that ended first go first."),
)
NAMES = tuple(option.name for option in OPTIONS)


class BadOption(ValueError):
    """An option with an invalid value; the text names the option, the value and what is expected."""


def defaults(option: Option) -> list[str]:
    """The default of an option in mitmproxy's terms."""
    return [option.default] if option.default else []


def as_sequences(deferred: Mapping[str, Any]) -> dict[str, list[str]]:
    """falmock's values from a config file (numbers, booleans, single texts) as the sequences that are declared."""
    changed: dict[str, list[str]] = {}
    for name, value in deferred.items():
        if name not in NAMES:
            continue
        if value is None:
            changed[name] = []
        elif isinstance(value, str | int | float):
            changed[name] = [str(value)]
        elif isinstance(value, list):
            changed[name] = [str(item) for item in value]
        elif isinstance(value, dict):
            changed[name] = [str(value)]
    return changed


def check_names(names: Iterable[str]) -> None:
    """Raises BadOption for names that have falmock's prefix but are not options."""
    unknown = [
        f"unknown option {name}{did_you_mean(name, NAMES) or ', expected one of ' + ', '.join(NAMES)}"
        for name in sorted(names)
        if name.startswith(PREFIX) and name not in NAMES
    ]
    if unknown:
        raise BadOption("; ".join(unknown))
