"""The table of OpenAI's parameters against the types of OpenAI's SDKs: one that a newer SDK adds is missing here first."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from typing import Any
from typing import Literal
from typing import Union
from typing import get_args
from typing import get_origin
from typing import get_type_hints

from openai.types import image_create_variation_params
from openai.types import image_edit_params
from openai.types import image_generate_params

from clients.running import CLIENTS
from falmock.gateway.openai.parameters import PARAMETERS
from falmock.gateway.openai.parameters import Kind

SDK = CLIENTS / "node_modules" / "openai"


def python_hints() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for params in (
        image_generate_params.ImageGenerateParamsNonStreaming,
        image_generate_params.ImageGenerateParamsStreaming,
        image_edit_params.ImageEditParamsNonStreaming,
        image_edit_params.ImageEditParamsStreaming,
        image_create_variation_params.ImageCreateVariationParams,
    ):
        for name, hint in get_type_hints(params).items():
            found.setdefault(name, []).append(hint)
    return found


def javascript_types() -> dict[str, set[str]]:
    text = re.sub(r"/\*.*?\*/", "", (SDK / "resources/images.d.ts").read_text("utf-8"), flags=re.DOTALL)
    found: dict[str, set[str]] = {}
    for interface in re.findall(r"export interface Image\w+Params\w* (?:extends \w+ )?\{(.*?)\n\}", text, re.DOTALL):
        for name, kind in re.findall(r"^    (\w+)\??: (.+);$", interface, re.MULTILINE):
            found.setdefault(name, set()).add(kind)
    return found


def leaves(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        for part in get_args(hint):
            yield from leaves(part)
    elif get_origin(hint) is Literal:
        yield from (type(value) for value in get_args(hint))
    else:
        yield hint


def kind_of(hint: Any) -> Kind:
    kinds = {str: Kind.TEXT, int: Kind.INTEGER, bool: Kind.BOOLEAN}
    parts = [part for part in leaves(hint) if part is not type(None)]
    if bytes in parts:
        return Kind.FILE
    return next((kinds[part] for part in parts if part in kinds), Kind.OBJECT)


def test_every_parameter_of_the_python_sdk_is_openais() -> None:
    hints = python_hints()
    assert len(hints) > 10
    assert {name: {kind_of(hint) for hint in found} for name, found in hints.items()} == {
        name: {PARAMETERS[name].kind if name in PARAMETERS else "not in the table"} for name in hints
    }


def test_every_parameter_of_the_javascript_sdk_is_openais_and_no_other() -> None:
    found = javascript_types()
    assert set(found) == set(PARAMETERS)
    words = {Kind.INTEGER: "number", Kind.FILE: "Uploadable", Kind.OBJECT: "Svg"}
    for name, kinds in found.items():
        kind = PARAMETERS[name].kind
        if kind is Kind.BOOLEAN:
            assert all(re.search("boolean|true|false", text) for text in kinds), name
        elif kind is Kind.TEXT:
            assert all(re.search("'|string", text) for text in kinds), name
        else:
            assert all(words[kind] in text for text in kinds), name


def test_choices_are_the_sdks() -> None:
    found = javascript_types()
    for name, parameter in PARAMETERS.items():
        if parameter.choices:
            assert {choice for kind in found[name] for choice in re.findall(r"'(\w+)'", kind)} == set(parameter.choices)


def test_the_javascript_sdk_is_the_one_that_is_pinned() -> None:
    pinned = json.loads((CLIENTS / "package.json").read_text("utf-8"))["dependencies"]["openai"]
    assert json.loads((SDK / "package.json").read_text("utf-8"))["version"] == pinned
