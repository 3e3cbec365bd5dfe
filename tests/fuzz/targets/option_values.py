"""The values of `fal_*` options: taken, or refused with a message that names the option."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from falmock.proxy import option_values
from falmock.proxy import options
from falmock.redaction.redactor import Redactor
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import utf8

_WORDS = st.sampled_from(
    [
        *("replay", "record", "auto", "instant", "recorded", "manual", "x10", "3s", "polls:1,2", "x1e999", "polls:9,1"),
        *("any", "required", "env:PATH", "env:", "fal", "aimock", "none", "all", "90d", "1e5d", "0", "10000", "-1"),
        *("example.com", "example.com=run", "a=b=c", "*.example.com", "[::1]", "::1", "/api/fal", "/v1/x", "/a/../b"),
        *(
            "seed",
            "a/b=seed",
            "images[*].url",
            "@uuid",
            "a/b=@timestamp",
            "/[0-9]+/",
            "/(a+)+$/",
            "//",
            "/(/",
            "/a{9999999999}/",
        ),
        *("flux-dev:fal-ai/flux/dev", "a:b,c:d", "x-token", "${HOME}", "file\x00name"),
    ]
)
_VALUES = st.lists(_WORDS | TEXTS | st.lists(_WORDS | TEXTS, max_size=3).map("".join), max_size=3)
CASES = st.dictionaries(st.sampled_from(options.NAMES), _VALUES, max_size=3)


def check(given: dict[str, list[str]]) -> None:
    defaults = {option.name: options.defaults(option) for option in options.OPTIONS}
    try:
        config = option_values.parse({**defaults, **given}, {"PATH": "a-key:secret"})
    except options.BadOption as error:
        text = str(error)
        assert any(text.startswith(name) for name in given), text
        assert len(text) < 5000
        utf8(text)
        return
    redactor = Redactor(config.redact.names, config.redact.patterns)
    for text in ("a" * 40 + "!", "x-token: 1", json.dumps(dict.fromkeys(config.redact.names, "a" * 30))):
        redactor.text(text)
        config.ignore.normalize("a/b", {"prompt": text, "seed": text})
    assert config.max_jobs > 0
    assert config.job_ttl > 0
    for host in ("fal.run", "queue.fal.run", "example.com", "v3.fal.media"):
        config.hosts.role(host)
