"""Maps a call to the OpenAI images API to the input of a model."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.gateway.openai import errors
from falmock.gateway.openai import sizes
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.model_inputs import Field
from falmock.gateway.openai.model_inputs import Inputs
from falmock.gateway.openai.request import ImageRequest

_MASKS = ("mask_url", "mask_image_url")
_SAME: Mapping[tuple[str, str], str] = MappingProxyType(
    {("quality", "hd"): "high", ("quality", "standard"): "medium", ("output_format", "jpeg"): "jpg"}
)
"""Values of OpenAI's parameters, and the names of the same in some models."""


class MappedInputs(NamedTuple):
    """The possible inputs, the best first, because a fixture may be for a plainer one.

    `left_out` are parameters for which the model has no input.
    """

    inputs: tuple[dict[str, Any], ...]
    left_out: tuple[str, ...]


class SentFiles(NamedTuple):
    """The URLs of the files of a call."""

    images: tuple[str, ...] = ()
    mask: str | None = None


def per_call(spec: ImageRequest, inputs: Inputs | None) -> int:
    """How many images one call to the model may request."""
    if inputs is None:
        return spec.number
    if "num_images" not in inputs:
        return 1
    return max(1, inputs["num_images"].maximum or spec.number)


def mapped(spec: ImageRequest, inputs: Inputs | None, files: SentFiles, count: int, made: int) -> MappedInputs:
    """The inputs for a call to the model for `count` images, after `made` were requested before.

    `inputs` is None if the inputs of the model are unknown.

    Raises RefusedCall for what the model does not support.
    """
    left_out: list[str] = []
    plain: dict[str, Any] = {}
    if not spec.prompt:
        pass
    elif inputs is None or "prompt" in inputs:
        plain["prompt"] = spec.prompt
    else:
        left_out.append("prompt")
    for name, value in spec.extras.items():
        if inputs is not None and name not in inputs:
            raise errors.unknown(name)
        plain[name] = value
    bases = list(_with_files(plain, inputs, files))
    added = _sized(spec, inputs, left_out) | _counted(inputs, count) | _seeded(spec, inputs, made, left_out)
    options = (
        dict(spec.options) if spec.output_format is None else {**spec.options, "output_format": spec.output_format}
    )
    for name, value in options.items():
        added |= _option(name, value, inputs, left_out)
    best = [{**each, **added} for each in bases]
    return MappedInputs(tuple(best + [each for each in bases if each not in best]), tuple(left_out))


def _sized(spec: ImageRequest, inputs: Inputs | None, left_out: list[str]) -> dict[str, Any]:
    if spec.size is None:
        return {}
    if inputs is None:
        return {"image_size": {"width": spec.size[0], "height": spec.size[1]}}
    found = sizes.inputs_for(spec.size, inputs)
    if found is None:
        left_out.append("size")
    return found or {}


def _counted(inputs: Inputs | None, count: int) -> dict[str, Any]:
    field = Field() if inputs is None else inputs.get("num_images")
    if field is None or count == (1 if field.default is None else field.default):
        return {}
    return {"num_images": count}


def _seeded(spec: ImageRequest, inputs: Inputs | None, made: int, left_out: list[str]) -> dict[str, Any]:
    if spec.seed is None:
        return {}
    if inputs is not None and "seed" not in inputs:
        left_out.append("seed")
        return {}
    # The same seed would generate the same image again.
    return {"seed": spec.seed + made}


def _option(name: str, value: Any, inputs: Inputs | None, left_out: list[str]) -> dict[str, Any]:
    """A parameter of OpenAI's for which a model may have an input of the same name."""
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
    """The input with the files, in each form that the model may accept."""
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
            raise errors.too_many("image", many.most, len(images))
        return ("image_urls",)
    if not one:
        raise RefusedCall("This model does not take images.", param="image", code="unsupported_parameter")
    if len(images) > 1:
        raise errors.too_many("image", 1, len(images))
    return ("image_url",)


def _mask(inputs: Inputs | None) -> str:
    for name in _MASKS:
        if inputs is None or name in inputs:
            return name
    raise RefusedCall("This model does not take a mask.", param="mask", code="unsupported_parameter")
