"""The input of a model for what a client of the OpenAI images API asks for."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.gateway.openai import errors
from falmock.gateway.openai import request
from falmock.gateway.openai import sizes
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.model_inputs import Field
from falmock.gateway.openai.model_inputs import Inputs
from falmock.gateway.openai.request import ImageRequest

_MASKS = ("mask_url", "mask_image_url")
_SAME: Mapping[tuple[str, str], str] = MappingProxyType(
    {("quality", "hd"): "high", ("quality", "standard"): "medium", ("output_format", "jpeg"): "jpg"}
)
"""Values of OpenAI's parameters, and what some models call the same."""


class MappedInputs(NamedTuple):
    """The inputs that would do, the best first: fixtures may be for a plainer one.

    `left_out` are parameters that the model has nothing for.
    """

    inputs: tuple[dict[str, Any], ...]
    left_out: tuple[str, ...]


class SentFiles(NamedTuple):
    """The URLs of the files that came with a call."""

    images: tuple[str, ...] = ()
    mask: str | None = None


def per_call(wanted: ImageRequest, inputs: Inputs | None) -> int:
    """How many images one call to the model may be asked for."""
    if inputs is None:
        return wanted.number
    if "num_images" not in inputs:
        return 1
    return max(1, inputs["num_images"].maximum or wanted.number)


def mapped(wanted: ImageRequest, inputs: Inputs | None, files: SentFiles, count: int, made: int) -> MappedInputs:
    """What to ask the model for: `count` images, when `made` were asked for before.

    `inputs` is None where nothing tells what it takes.

    Raises Refused for what the model cannot be asked.
    """
    left_out: list[str] = []
    plain: dict[str, Any] = {}
    if not wanted.prompt:
        pass
    elif inputs is None or "prompt" in inputs:
        plain["prompt"] = wanted.prompt
    else:
        left_out.append("prompt")
    for name, value in wanted.extras.items():
        if inputs is not None and name not in inputs:
            raise errors.unknown(name)
        plain[name] = value
    pictured = list(_with_files(plain, inputs, files))
    asked = _sized(wanted, inputs, left_out) | _counted(inputs, count) | _seeded(wanted, inputs, made, left_out)
    options = (
        dict(wanted.options)
        if wanted.output_format is None
        else {**wanted.options, "output_format": wanted.output_format}
    )
    for name, value in options.items():
        asked |= _option(name, value, inputs, left_out)
    best = [{**each, **asked} for each in pictured]
    return MappedInputs(tuple(best + [each for each in pictured if each not in best]), tuple(left_out))


def _sized(wanted: ImageRequest, inputs: Inputs | None, left_out: list[str]) -> dict[str, Any]:
    if wanted.size is None:
        return {}
    if inputs is None:
        return {"image_size": {"width": wanted.size[0], "height": wanted.size[1]}}
    found = sizes.inputs_for(wanted.size, inputs)
    if found is None:
        left_out.append("size")
    return found or {}


def _counted(inputs: Inputs | None, count: int) -> dict[str, Any]:
    field = Field() if inputs is None else inputs.get("num_images")
    if field is None or count == (1 if field.default is None else field.default):
        return {}
    return {"num_images": count}


def _seeded(wanted: ImageRequest, inputs: Inputs | None, made: int, left_out: list[str]) -> dict[str, Any]:
    if wanted.seed is None:
        return {}
    if inputs is not None and "seed" not in inputs:
        left_out.append("seed")
        return {}
    # The same seed would make the same image again.
    return {"seed": wanted.seed + made}


def _option(name: str, value: Any, inputs: Inputs | None, left_out: list[str]) -> dict[str, Any]:
    """A parameter of OpenAI's that a model may have by the same name."""
    if inputs is None:
        if name == "output_format":
            return {name: value}
    elif (field := inputs.get(name)) is not None:
        for same in (value, _SAME.get((name, value)) if isinstance(value, str) else None):
            if same is not None and field.takes(same):
                return {name: same}
    if value != "auto":
        left_out.append(name)
    return {}


def _with_files(plain: dict[str, Any], inputs: Inputs | None, files: SentFiles) -> Iterator[dict[str, Any]]:
    """The input with the files, in each way that the model may want them."""
    masked = plain if files.mask is None else {**plain, _mask(inputs): files.mask}
    if not files.images:
        yield masked
        return
    for name in _image_fields(inputs, files.images):
        yield {**masked, name: list(files.images) if name == "image_urls" else files.images[0]}


def _image_fields(inputs: Inputs | None, images: Sequence[str]) -> tuple[str, ...]:
    if inputs is None:
        return ("image_url", "image_urls") if len(images) == 1 else ("image_urls",)
    one, many = "image_url" in inputs, inputs.get("image_urls")
    if many is not None and (len(images) > 1 or not one):
        if many.most is not None and len(images) > many.most:
            raise request.too_many_images(many.most, len(images))
        return ("image_urls",)
    if not one:
        raise RefusedCall("This model does not take images.", param="image", code="unsupported_parameter")
    if len(images) > 1:
        raise request.too_many_images(1, len(images))
    return ("image_url",)


def _mask(inputs: Inputs | None) -> str:
    for name in _MASKS:
        if inputs is None or name in inputs:
            return name
    raise RefusedCall("This model does not take a mask.", param="mask", code="unsupported_parameter")
