"""Answers for Hugging Face's Hub: which endpoint serves a model (PROTOCOL.md section 1.7), if no recording does."""

from __future__ import annotations

from collections.abc import Callable

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.engine.platform.catalogue import UNKNOWN
from falmock.engine.platform.catalogue import Catalogue
from falmock.engine.platform.platform import MADE_UP
from falmock.fixtures.matching.miss import Miss
from falmock.wire import huggingface
from falmock.wire.hosts import HF_HOST
from falmock.wire.hosts import MODELS_PATH


def providers(model: str, catalogue: Catalogue, makes: Callable[[str], bool]) -> Reply | None:
    """The providers of a model of the Hub: fal, if calls to its endpoint are answered; else None.

    They are by fixtures, or by made answers if `makes` says so of an endpoint id.
    """
    for found in huggingface.provided(model, catalogue.ids):
        task = found.task or _task(catalogue, found.endpoint)
        has_fixtures = catalogue.has_fixtures(found.endpoint)
        if task and (has_fixtures or makes(found.endpoint)):
            body = huggingface.answer(model, found._replace(task=task))
            why = f"{'fixtures' if has_fixtures else 'made answers'} for {found.endpoint}"
            return replies.json_reply(200, body, why, MADE_UP)
    return None


def _task(catalogue: Catalogue, endpoint: str) -> str:
    category = str(catalogue.metadata(endpoint).value.get("category", UNKNOWN))
    return "" if category == UNKNOWN else huggingface.TASKS.get(category, category)


def why_unknown(model: str) -> str:
    """Why the providers of a model are not answered, and what to do."""
    return (
        f"no fixture is for an endpoint that serves {model} of Hugging Face. Record its call with --set "
        f"fal_mode=auto, or write a fixture with host {HF_HOST} and path {MODELS_PATH}{model}"
    )


def unknown(model: str, shown: str) -> Reply:
    """The answer for a model without fixtures, where nothing can go on to Hugging Face; `shown` is the redacted model."""
    text = f"Repository not found: {why_unknown(model)}"
    marks = (replies.error_header("no fixture"), replies.MISS_HEADER, (b"X-Error-Code", b"RepoNotFound"))
    miss = Miss(text, f"falmock: {why_unknown(shown)}", ())
    return replies.json_reply(404, {"error": text}, "no fixture is for this model", *marks)._replace(miss=miss)
