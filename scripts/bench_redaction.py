"""Measures the search for secrets in 1 MiB of text and in JSON, against a limit in seconds."""

from __future__ import annotations

import json
import random

from bench_figures import report
from bench_figures import seconds_of

from falmock.redaction.known_secrets import LIMIT
from falmock.redaction.redactor import Redactor

SIZE = 1024 * 1024
MOST = 0.1
"""How long it may take at most, in seconds."""
WORDS = [
    *(
        [
            "a",
            "cat",
            "in",
            "the",
            "rain,",
            "85mm,",
            "of",
            "the",
            "film-grain",
            "kind,",
            "at",
            "num_steps",
            "=",
            "28,",
            "soft",
            "light",
        ]
        * 3
    ),
    "\n",
    '"red"',
]


def bench_redaction(rounds: int) -> bool:
    print("redaction (CPU per MiB)")
    rolled = random.Random(1)
    text = " ".join(rolled.choices(WORDS, k=SIZE // 4))[:SIZE]
    nested = json.dumps({"a": json.dumps({"b": text[: SIZE - 200_000]})})[:SIZE]
    redactor = Redactor()
    for _ in range(LIMIT):
        redactor.learn_value(f"{rolled.getrandbits(128):032x}")
    met = True
    # JSON in JSON is three texts: each is searched, and two are decoded.
    for label, searched, limit in (("text", text, 1.0), ("JSON in JSON", nested, 4.0)):
        ratios = [seconds_of(lambda searched=searched: redactor.value(searched), 1) / MOST for _ in range(rounds)]
        met &= report(f"{label}, {LIMIT:,} secrets", ratios, limit, f"{MOST} s")
    added = iter(range(10**9))
    ratios = [
        seconds_of(lambda: redactor.learn_value(f"{next(added) * 2654435761 % 2**128:032x}"), 1000) / 0.001
        for _ in range(rounds)
    ]
    return met & report("a secret is learned", ratios, 0.2, "1 ms")
