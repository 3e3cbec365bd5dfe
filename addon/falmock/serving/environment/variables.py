"""The variables that make a program call fal through falmock and trust its CA."""

from __future__ import annotations

from collections.abc import Mapping

from falmock.serving.environment.trust_files import TrustFiles

PROXIED = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
"""The variables whose value is falmock's URL, into which a scope may be written (see `with_scope`)."""
KEY = f"{'0' * 8}-0000-0000-0000-{'0' * 12}:{'0' * 32}"
"""The FAL_KEY of a program that has none, in replay. It has the form of fal's, and no word in it would be hidden elsewhere."""


def variables(url: str, files: TrustFiles, current: Mapping[str, str], *, has_key: bool = False) -> dict[str, str]:
    """What to set for a program besides the variables that it has (`current`). `url` is falmock's, as in http://127.0.0.1:8080.

    A program without a FAL_KEY gets one, unless it has to have the user's own (`has_key`).
    """
    made = dict.fromkeys(PROXIED, url)
    made |= {
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "SSL_CERT_FILE": str(files.ca),
        "NODE_EXTRA_CA_CERTS": str(files.ca),
        "FALMOCK_URL": url,
    }
    if "FAL_KEY" not in current and not has_key:
        made["FAL_KEY"] = KEY
    return made


def with_scope(url: str, scope: str) -> str:
    """falmock's URL as a proxy for the calls of a scope."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{scope}:x@{rest}"
