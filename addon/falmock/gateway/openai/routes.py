"""The paths of the OpenAI API: below `/v1`, and below `/openai` as Azure has them."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

ROOT = "/v1"
GENERATIONS = f"{ROOT}/images/generations"
EDITS = f"{ROOT}/images/edits"
VARIATIONS = f"{ROOT}/images/variations"
MODELS = f"{ROOT}/models"
_ROOTS = (("/openai/v1", True), ("/openai", True), (ROOT, False))
# Not all clients encode the slashes of an endpoint id.
_DEPLOYMENT = re.compile(r"/deployments/(.+)(/images/(?:generations|edits|variations))")


class Route(NamedTuple):
    """What a path is for: `path` is OpenAI's own for the same, `deployment` the model in the path ("" if there is none).

    `is_azure` says that it is below `/openai`.
    """

    path: str
    deployment: str = ""
    is_azure: bool = False


def of(path: str) -> Route:
    """The route of a path; a path that is not below `/v1` or `/openai` stays as it is."""
    for root, is_azure in _ROOTS:
        if path == root or path.startswith(f"{root}/"):
            rest = path[len(root) :]
            found = _DEPLOYMENT.fullmatch(rest)
            if found is not None:
                return Route(ROOT + found[2], unquote(found[1]), is_azure)
            return Route(ROOT + rest, is_azure=is_azure)
    return Route(path)
