from __future__ import annotations

import random
import string

import pytest

from falmock.redaction.known_shapes import BY_END
from falmock.redaction.known_shapes import OTHERS
from falmock.redaction.redactor import Redactor
from falmock.redaction.shapes import by_shape
from unit.redaction import planted


@pytest.mark.parametrize("service", planted.SHAPES)
@pytest.mark.parametrize("around", ["say {} now", "{}", '{{"a": "{}"}}', "a=({});", "日{}本"])
def test_a_secret_is_found_by_its_shape(service: str, around: str) -> None:
    kind, secret = planted.SHAPES[service]
    text = around.format(secret)
    assert {found.name for found in by_shape(text)} == {kind}
    shown = Redactor().value(text)
    assert secret[-12:] not in shown
    assert shown.startswith(around.partition("{}")[0].replace("{{", "{"))
    assert shown.endswith(around.rpartition("{}")[2].replace("}}", "}"))


def test_every_shape_has_an_example() -> None:
    texts = [secret for _, secret in planted.SHAPES.values()]
    shapes = [*OTHERS, *(shape for group in BY_END.values() for shapes in group.values() for shape in shapes)]
    same = ("GitHub", "GitLab", "Stripe", "Vercel", "Shopify", "Slack token", "Square", "AWS secret", "bearer")
    assert len(shapes) > 90
    for shape in shapes:
        assert any(shape.pattern.search(text) for text in texts) or shape.name.startswith(same), shape


@pytest.mark.parametrize("text", planted.ABOUT_KEYS)
def test_texts_about_keys_are_left_alone(text: str) -> None:
    redactor = Redactor()
    value = {"prompt": text, "list": [text], "tokens": 7, "max_tokens": 100, "key": "C minor"}
    assert redactor.value(value) is value
    assert redactor.expected(value) is value


@pytest.mark.parametrize(
    "service", [name for name, (_, secret) in planted.SHAPES.items() if secret.startswith(planted.GLUED)]
)
@pytest.mark.parametrize("name", ["photo{}", "my-photo-{}.png", "IMG_{}.jpg", "/files/a/photo{}"])
def test_a_secret_is_found_in_the_name_of_a_file(service: str, name: str) -> None:
    secret = planted.SHAPES[service][1]
    assert secret[-12:] not in Redactor().value(name.format(secret))
    assert secret[-12:] not in Redactor().text(name.format(secret))


@pytest.mark.parametrize(
    "text", ["task-force-sk-1234567890abcdefghijkl", "my_api_re_aB3dE5gH_aB3dE5gH7jK9mN1pQ2rS4tU6"]
)
def test_what_is_a_part_of_words_is_not_found_in_them(text: str) -> None:
    assert list(by_shape(text)) == []


def test_base64_has_no_shapes() -> None:
    """Digits of either alphabet contain every prefix somewhere."""
    rolled = random.Random(7)
    digits = "".join(rolled.choices(string.ascii_letters + string.digits + "-_", k=400_000))
    blob = f"{digits[:200_000]}hf_{planted.MIXED[:34]}{digits[200_000:]}"
    assert list(by_shape(blob)) == []
