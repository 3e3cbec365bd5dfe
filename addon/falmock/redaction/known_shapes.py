"""The shapes of secrets that many services give out.

Precision is more important than completeness: what is found by these is removed from fixtures, and a prompt about keys
and bearers must not match.

Every pattern begins with a literal text, and either has a bounded length or ends in a greedy run: what it looked at, it
takes or does not look at again. So each is linear in any text.
"""

from __future__ import annotations

import binascii
import enum
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple


class Left(enum.Enum):
    """What may stand in front of a secret."""

    STRICT = enum.auto()
    """No letter, digit, `-` or `_`: the shape is a part of ordinary words."""
    WORD = enum.auto()
    """No letter or digit."""
    GLUED = enum.auto()
    """A word, as in the file name `photohf_...`."""


class Shape(NamedTuple):
    """A kind of secret. `pattern` is tried only on texts that contain `needle`; its last group is the secret.

    `left` is what may stand in front (None: anything). `check` is a further condition for what follows the needle. The
    secret begins `before` characters before the pattern, which looks behind there.
    """

    name: str
    needle: str
    pattern: re.Pattern[str]
    left: Left | None = Left.STRICT
    check: Callable[[str], bool] | None = None
    before: int = 0


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_mixed(text: str) -> bool:
    """Whether a text has letters, and digits or letters of the other case."""
    return any(map(str.isalpha, text)) and (_has_digit(text) or not (text.islower() or text.isupper()))


def _is_basic(digits: str) -> bool:
    """Whether base64 stands for `user:password`."""
    if len(digits) % 4:
        return False
    text = binascii.a2b_base64(digits)
    return b":" in text and text.isascii() and text.decode().isprintable()


def _shape(
    name: str,
    needle: str,
    rest: str,
    left: Left | None = Left.STRICT,
    check: Callable[[str], bool] | None = None,
    before: int = 0,
) -> Shape:
    return Shape(name, needle, re.compile(re.escape(needle) + rest, re.ASCII), left, check, before)


def _each(name: str, needles: Iterable[str], rest: str, left: Left, check: Callable[[str], bool]) -> Iterator[Shape]:
    """One shape for each needle."""
    return (_shape(name, needle, rest, left, check) for needle in needles)


_HEX = "[0-9a-fA-F]"
_UUID = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_END = r"(?![A-Za-z0-9])"
_GITLAB = ("pat", "ptt", "cbt", "dt", "soat", "rt", "ft", "imt", "agent", "oas", "ffct")
_STRIPE = [f"{kind}k_{mode}_" for kind in "sr" for mode in ("live", "test", "prod")]
_LONG = r"[A-Za-z0-9]{30,}"

_SHAPES = (
    # fal, and what is in headers
    _shape("fal key", ":", rf"(?<={_UUID}:){_HEX}{{32}}(?!{_HEX})", None, before=36),
    _shape("fal key", "Key ", r"([\w-]{6,}:[\w-]{12,})", Left.WORD, _has_digit),
    _shape("fal key", "Key+", r"([\w-]{6,}(?::|%3A)[\w-]{12,})", Left.WORD, _has_digit),
    _shape("bearer token", "earer ", r"([\w.~+/-]{20,}=*)", None, _has_digit),
    _shape("bearer token", "earer+", r"([\w.~/-]{20,}=*)", None, _has_digit),
    _shape("basic credentials", "asic ", r"([A-Za-z0-9+/]{8,}={0,2})", None, _is_basic),
    _shape("basic credentials", "asic+", r"([A-Za-z0-9/]{8,}={0,2})", None, _is_basic),
    # models
    _shape("sk- key", "sk-", r"[\w-]{20,}", Left.STRICT, _is_mixed),
    *_each("sk- key", ("sk-proj-", "sk-ant-", "sk-or-v1-", "sk-svcacct-"), r"[\w-]{20,}", Left.GLUED, _is_mixed),
    _shape("ElevenLabs key", "sk_", rf"{_HEX}{{48}}{_END}", Left.STRICT),
    _shape("Hugging Face token", "hf_", _LONG, Left.GLUED, _is_mixed),
    _shape("Hugging Face token", "api_org_", _LONG, Left.GLUED, _is_mixed),
    _shape("Replicate token", "r8_", _LONG, Left.GLUED, _is_mixed),
    _shape("Groq key", "gsk_", r"[A-Za-z0-9]{40,}", Left.GLUED, _is_mixed),
    _shape("xAI key", "xai-", r"[A-Za-z0-9]{60,}", Left.STRICT, _is_mixed),
    _shape("Perplexity key", "pplx-", r"[A-Za-z0-9]{40,}", Left.STRICT, _is_mixed),
    _shape("NVIDIA key", "nvapi-", r"[\w-]{60,}", Left.STRICT, _has_digit),
    _shape("Cerebras key", "csk-", r"[a-z0-9]{40,}", Left.STRICT, _is_mixed),
    _shape("RunPod key", "rpa_", r"[A-Z0-9]{40,}", Left.STRICT, _is_mixed),
    _shape("LangSmith key", "lsv2_", rf"(?:pt|sk)_{_HEX}{{32}}_{_HEX}{{10}}", Left.GLUED),
    _shape("Pinecone key", "pcsk_", r"[\w-]{40,}", Left.STRICT, _has_digit),
    # clouds
    _shape("AWS access key", "AKIA", rf"[A-Z0-9]{{16}}{_END}", Left.GLUED),
    _shape("AWS access key", "ASIA", rf"[A-Z0-9]{{16}}{_END}", Left.WORD),
    _shape("AWS secret key", "secret_access_key", r"[\"'\s:=\\]{1,8}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", None),
    _shape("AWS secret key", "SECRET_ACCESS_KEY", r"[\"'\s:=\\]{1,8}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", None),
    _shape("Google API key", "AIza", rf"[\w-]{{35}}{_END}", Left.GLUED, _is_mixed),
    _shape("Google client secret", "GOCSPX-", r"[\w-]{28}(?![\w-])", Left.STRICT),
    _shape("Google access token", "ya29.", r"[\w-]{30,}", Left.STRICT, _has_digit),
    _shape("Azure key", "AccountKey=", r"([A-Za-z0-9+/]{40,}={0,2})", None, _is_mixed),
    _shape("Azure key", "SharedAccessKey=", r"([A-Za-z0-9+/]{40,}={0,2})", None, _is_mixed),
    _shape("Azure client secret", "8Q~", r"(?<=[\w~.]{3}8Q~)[\w~.-]{31,34}(?![\w~.-])", None, before=3),
    _shape("DigitalOcean token", "_v1_", rf"(?<=do[opr]_v1_){_HEX}{{64}}(?!{_HEX})", None, before=3),
    _shape("Supabase key", "sbp_", rf"{_HEX}{{40}}{_END}", Left.GLUED),
    _shape("Supabase key", "sb_secret_", r"[\w-]{20,}", Left.STRICT, _has_digit),
    _shape("Vercel token", "vercel_blob_rw_", r"\w{20,}", Left.GLUED, _has_digit),
    *_each("Vercel token", (f"vc{kind}_" for kind in "aciprk"), r"[A-Za-z0-9]{50,}", Left.STRICT, _is_mixed),
    _shape("Heroku key", "HRKU-", r"[\w-]{36,}", Left.STRICT, _has_digit),
    _shape("Netlify token", "nfp_", r"[A-Za-z0-9]{36,}", Left.STRICT, _is_mixed),
    _shape("Fly token", "fm2_", r"[A-Za-z0-9+/]{60,}={0,2}", Left.STRICT, _is_mixed),
    _shape("Cloudflare key", "v1.0-", rf"{_HEX}{{24}}-{_HEX}{{146}}", Left.STRICT),
    _shape("Vault token", "hvs.", r"[\w-]{24,}", Left.STRICT, _has_digit),
    _shape("Vault token", "hvb.", r"[\w-]{24,}", Left.STRICT, _has_digit),
    _shape("Terraform token", ".atlasv1.", r"(?<=[A-Za-z0-9]{14}\.atlasv1\.)[\w-]{60,}", None, before=14),
    _shape("Databricks token", "dapi", rf"[0-9a-f]{{32}}(?:-\d)?{_END}", Left.STRICT),
    _shape("Doppler token", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,}", Left.STRICT, _has_digit),
    _shape("PlanetScale token", "pscale_", r"(?:tkn|pw|oauth)_[\w.-]{32,}", Left.STRICT),
    _shape("Tailscale key", "tskey-", r"[a-z]{2,10}-[\w-]{16,}", Left.STRICT, _has_digit),
    _shape("Prefect key", "pnu_", r"[A-Za-z0-9]{36,}", Left.STRICT, _is_mixed),
    _shape("Pulumi token", "pul-", rf"[0-9a-f]{{40}}{_END}", Left.STRICT),
    # code and packages
    *_each("GitHub token", (f"gh{kind}_" for kind in "pousr"), _LONG, Left.GLUED, _is_mixed),
    _shape("GitHub token", "github_pat_", r"\w{22,}", Left.GLUED, _has_digit),
    *_each("GitLab token", (f"gl{kind}-" for kind in _GITLAB), r"[\w.-]{20,}", Left.GLUED, _is_mixed),
    _shape("npm token", "npm_", r"[A-Za-z0-9]{36,}", Left.GLUED, _is_mixed),
    _shape("PyPI token", "pypi-", r"[\w-]{50,}", Left.STRICT, _has_digit),
    _shape("RubyGems key", "rubygems_", rf"{_HEX}{{48}}{_END}", Left.GLUED),
    _shape("Docker token", "dckr_", r"[a-z]{3}_[\w-]{27,}", Left.GLUED, _is_mixed),
    _shape("Atlassian token", "ATATT3", r"[\w=-]{60,}", Left.STRICT, _has_digit),
    _shape("Figma token", "figd_", r"[\w-]{36,}", Left.STRICT, _has_digit),
    _shape("Linear key", "lin_api_", r"[A-Za-z0-9]{32,}", Left.GLUED, _is_mixed),
    _shape("Linear key", "lin_oauth_", r"[A-Za-z0-9]{32,}", Left.GLUED, _is_mixed),
    _shape("Notion token", "ntn_", r"[A-Za-z0-9]{40,}", Left.STRICT, _is_mixed),
    _shape("Notion token", "secret_", rf"[A-Za-z0-9]{{43}}{_END}", Left.STRICT, _is_mixed),
    _shape("Airtable token", "pat", rf"[A-Za-z0-9]{{14}}\.{_HEX}{{64}}", Left.STRICT),
    _shape("Postman key", "PMAK-", rf"{_HEX}{{24}}-{_HEX}{{34}}", Left.STRICT),
    _shape("Grafana token", "glsa_", rf"[A-Za-z0-9]{{32}}_{_HEX}{{8}}", Left.GLUED),
    _shape("Grafana token", "glc_", r"[A-Za-z0-9+/]{32,}={0,2}", Left.STRICT, _is_mixed),
    _shape("New Relic key", "NRAK-", r"[A-Z0-9]{27}", Left.STRICT),
    _shape("Sentry token", "sntrys_", r"[\w=+/]{40,}", Left.STRICT, _is_mixed),
    _shape("Sentry token", "sntryu_", rf"{_HEX}{{64}}", Left.STRICT),
    # payment and commerce
    *_each("Stripe key", _STRIPE, r"[A-Za-z0-9]{10,}", Left.STRICT, _is_mixed),
    *_each("Stripe key", ("sk_live_", "rk_live_"), r"[A-Za-z0-9]{16,}", Left.GLUED, _is_mixed),
    _shape("Stripe webhook secret", "whsec_", r"[A-Za-z0-9+/]{24,}={0,2}", Left.GLUED, _is_mixed),
    *_each("Shopify token", ("shpat_", "shpca_", "shppa_", "shpss_"), rf"{_HEX}{{32}}{_END}", Left.GLUED, _has_digit),
    *_each("Square token", ("sq0atp-", "sq0csp-"), r"[\w-]{22,}", Left.STRICT, _has_digit),
    # messages
    _shape("SendGrid key", "SG.", r"[\w-]{16,32}\.[\w-]{16,64}", Left.STRICT, _is_mixed),
    _shape("Mailgun key", "key-", rf"[0-9a-f]{{32}}{_END}", Left.STRICT),
    _shape("Mailchimp key", "-us", rf"(?<={_HEX}{{32}}-us)\d{{1,2}}{_END}", None, before=32),
    _shape("Brevo key", "xkeysib-", rf"{_HEX}{{64}}-[A-Za-z0-9]{{16}}", Left.STRICT),
    _shape("Resend key", "re_", rf"[A-Za-z0-9]{{8}}_[A-Za-z0-9]{{24}}{_END}", Left.STRICT, _is_mixed),
    _shape("Twilio key", "SK", rf"[0-9a-f]{{32}}{_END}", Left.STRICT),
    _shape("Telegram token", ":AA", r"(?<=\d{8}:AA)[\w-]{33}(?![\w-])", None, before=8),
    *_each("Slack token", (f"xox{kind}-" for kind in "abeprs"), r"[\w-]{10,}", Left.STRICT, _has_digit),
    _shape("Slack token", "xapp-", r"\d-[\w-]{20,}", Left.STRICT),
    _shape("Slack webhook", "hooks.slack.com/", r"(?:services|workflows|triggers)/([\w/+-]{20,})", None, _has_digit),
    _shape("Discord webhook", "/api/webhooks/", r"\d{5,25}/([\w-]{30,})", None),
    _shape("Discord token", ".", r"(?<=[MNO][\w-]{23}\.)[\w-]{6}\.[\w-]{27,}", None, _has_digit, before=24),
    _shape("Teams webhook", ".webhook.office.com/", r"webhookb2/([\w@/-]{40,})", None),
    _shape("age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}", Left.STRICT),
)


ENDS = "_-"
LENGTH = 3


def _is_by_end(shape: Shape) -> bool:
    return shape.needle[-1] in ENDS and len(shape.needle) >= LENGTH


def _by_end() -> dict[str, dict[str, tuple[Shape, ...]]]:
    groups: dict[str, dict[str, tuple[Shape, ...]]] = {end: {} for end in ENDS}
    for shape in filter(_is_by_end, _SHAPES):
        group = groups[shape.needle[-1]]
        group[shape.needle[-LENGTH:]] = (*group.get(shape.needle[-LENGTH:], ()), shape)
    return groups


BY_END = _by_end()
"""The shapes whose needle ends in a character that is rare in ordinary texts, by that and by the last `LENGTH`."""
OTHERS = tuple(shape for shape in _SHAPES if not _is_by_end(shape))
