from __future__ import annotations

from urllib.parse import quote

import pytest

from falmock.gateway.openai import routes
from falmock.gateway.openai.routes import Route

NAMES = ["flux", "fal-ai/flux/dev", "fal-ai/flux/dev/image-to-image", "a/images/edits", "a/deployments/b"]


@pytest.mark.parametrize("root", ["/v1", "/openai", "/openai/v1"])
def test_what_is_below_each_root(root: str) -> None:
    is_azure = root != "/v1"
    for path in ("", "/models", "/models/a%2Fb", "/images/generations", "/images/edits", "/other"):
        assert routes.of(root + path) == Route(f"/v1{path}", "", is_azure)
    for name in NAMES:
        for spelled in (name, quote(name, safe="")):
            for end in ("generations", "edits", "variations"):
                found = routes.of(f"{root}/deployments/{spelled}/images/{end}")
                assert found == Route(f"/v1/images/{end}", name, is_azure)


@pytest.mark.parametrize("path", ["/", "/v1x", "/openaix/v1/models", "/v2/models", "/fal/v1/models"])
def test_what_is_not_below_one_stays(path: str) -> None:
    assert routes.of(path) == Route(path)


def test_a_deployment_has_images_alone() -> None:
    assert routes.of("/openai/deployments/a/models") == Route("/v1/deployments/a/models", "", is_azure=True)
