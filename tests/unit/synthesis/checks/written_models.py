"""Inputs of models in two forms, both written by hand: the document that fal has of it, and the class that an app would have.

One for each feature that the documents of fal's models use.
"""

from __future__ import annotations

from typing import Annotated
from typing import Any
from typing import Literal
from typing import NamedTuple

from pydantic import UUID4
from pydantic import AnyUrl
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import HttpUrl

ENDPOINT = "acme/painter/v2"
REF = "#/components/schemas/"


class Written(NamedTuple):
    """One feature: the components of its document, of which the first is the input; and the class."""

    components: dict[str, Any]
    model: type[BaseModel]

    @property
    def schema(self) -> dict[str, Any]:
        return {"$ref": f"{REF}{next(iter(self.components))}"}

    @property
    def document(self) -> dict[str, Any]:
        return document(self.schema, self.components)


def document(schema: Any, components: dict[str, Any]) -> dict[str, Any]:
    """A document whose input has this schema."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {
        "openapi": "3.0.4",
        "components": {"schemas": components},
        "paths": {f"/{ENDPOINT}": {"post": {"requestBody": body}}},
    }


def component(title: str, *required: str, **properties: Any) -> dict[str, Any]:
    """A class as documents have it. Its properties are in no order, `x-fal-order-properties` has theirs."""
    shuffled = dict(sorted(properties.items(), key=lambda item: item[0][::-1]))
    return {
        "title": title,
        "type": "object",
        "properties": shuffled,
        "x-fal-order-properties": list(properties),
        "required": list(required),
    }


class TextToImage(BaseModel):
    prompt: str
    negative_prompt: str = ""
    num_images: int = Field(default=1, ge=1, le=4)
    guidance_scale: float = Field(default=3.5, ge=0, le=20)
    sync_mode: bool = False
    seed: int | None = None


class Limits(BaseModel):
    strength: float = Field(default=0.5, gt=0, le=1)
    below: float = Field(default=0.5, lt=1)
    steps: int = Field(gt=0)
    width: int = Field(default=512, multiple_of=8, ge=64)
    scale: float = Field(default=1.0, multiple_of=0.5)


class Literals(BaseModel):
    duration: Literal["5", "10"]
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    fps: Literal[8, 16, 24] = 16
    version: Literal["3"] = "3"


class Texts(BaseModel):
    prompt: Annotated[str, Field(min_length=2, max_length=10)]
    tag: Annotated[str, Field(max_length=5)] | None = None
    code: Annotated[str, Field(pattern="^[a-z]{2}$")] = "en"


class ImageSize(BaseModel):
    width: int = Field(default=512, gt=0, le=14142)
    height: int = Field(default=512, gt=0, le=14142)


class Sized(BaseModel):
    image_size: ImageSize | Literal["square_hd", "square", "landscape_4_3"] = "landscape_4_3"
    other: ImageSize | Literal["auto"] | None = None


class Nullable(BaseModel):
    text: str | None = "a"
    number: int | None = None
    share: float | None = Field(default=None, ge=0)
    kind: Literal["a", "b"] | None = "a"
    size: ImageSize | None = None
    names: list[str] | None = None
    needed: str | None


class Unions(BaseModel):
    prompts: str | list[str]
    scale: dict[str, Any] | float = 1.0
    seed: int | str | None = None
    where: list[int] | ImageSize | bool = True


class Marked(BaseModel):
    trigger_word: str | None = None
    language: Literal["de", "en"] | None = "en"
    size: ImageSize | None
    names: list[str] | None = None


class Referred(BaseModel):
    size: ImageSize
    other: ImageSize = ImageSize()
    third: ImageSize | None = None


class Urls(BaseModel):
    image_url: HttpUrl
    any_url: AnyUrl | None = None
    mask_url: HttpUrl | None = None
    urls: list[HttpUrl] = []


class Sets(BaseModel):
    motions: set[Literal["zoom-in", "zoom-out"]] = {"zoom-in"}
    numbers: Annotated[set[int], Field(max_length=3)] | None = None


class Files(BaseModel):
    file_data: bytes | None = None
    style_id: UUID4 | None = None


class Lists(BaseModel):
    image_urls: Annotated[list[str], Field(min_length=1, max_length=3)]
    points: list[list[float]] = []
    anything: list[Any] = []


class Maps(BaseModel):
    weights: dict[str, float] = {}
    extra: dict[str, Any] | None = None
    sizes: dict[str, ImageSize] | None = None


class Lora(BaseModel):
    path: str
    scale: float = Field(default=1, ge=0, le=4)


class Element(BaseModel):
    loras: list[Lora] = []
    size: ImageSize | None = None


class Nested(BaseModel):
    elements: list[Element]
    first: Element | Lora | None = None


class WrongDefault(BaseModel):
    num_frames: Literal["81", "129"] = 129  # type: ignore[assignment]
    size: int = "large"  # type: ignore[assignment]


class Anything(BaseModel):
    nothing: Any
    lost: Any = None
    plain: list[str] | None = None


class Node(BaseModel):
    name: str
    children: list[Node] = []
    next: Node | None = None


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    prompt: str


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    prompt: str


class Empty(BaseModel):
    pass


INTEGER, STRING = {"type": "integer"}, {"type": "string"}
SIZE = component(
    "ImageSize",
    width={"type": "integer", "exclusiveMinimum": 0, "maximum": 14142, "default": 512},
    height={"type": "integer", "exclusiveMinimum": 0, "maximum": 14142, "default": 512},
)
LORA = component("Lora", "path", path=STRING, scale={"type": "number", "minimum": 0, "maximum": 4, "default": 1})
NULL = {"type": "null"}
A_SIZE = {"$ref": f"{REF}PainterImageSize"}
URI = {"type": "string", "format": "uri", "minLength": 1, "maxLength": 2083}

WRITTEN: dict[str, Written] = {
    "defaults, minimum, maximum, and an Optional that does not show": Written(
        {
            "PainterInput": component(
                "TextToImage",
                "prompt",
                prompt={"type": "string", "examples": ["a cat"]},
                negative_prompt={"type": "string", "default": ""},
                num_images={"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
                guidance_scale={"type": "number", "minimum": 0, "maximum": 20, "default": 3.5},
                sync_mode={"type": "boolean", "default": False},
                seed=INTEGER,
            )
        },
        TextToImage,
    ),
    "exclusive limits and multiples": Written(
        {
            "PainterInput": component(
                "Limits",
                "steps",
                strength={"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5},
                below={"type": "number", "exclusiveMaximum": 1, "default": 0.5},
                steps={"type": "integer", "exclusiveMinimum": 0},
                width={"type": "integer", "multipleOf": 8, "minimum": 64, "default": 512},
                scale={"type": "number", "multipleOf": 0.5, "default": 1.0},
            )
        },
        Limits,
    ),
    "enums of strings and numbers, const": Written(
        {
            "PainterInput": component(
                "Literals",
                "duration",
                duration={"type": "string", "enum": ["5", "10"]},
                aspect_ratio={"type": "string", "enum": ["16:9", "9:16", "1:1"], "default": "16:9"},
                fps={"type": "integer", "enum": [8, 16, 24], "default": 16},
                version={"type": "string", "const": "3", "default": "3"},
            )
        },
        Literals,
    ),
    "lengths of texts, pattern": Written(
        {
            "PainterInput": component(
                "Texts",
                "prompt",
                prompt={"type": "string", "minLength": 2, "maxLength": 10},
                tag={"type": "string", "maxLength": 5},
                code={"type": "string", "pattern": "^[a-z]{2}$", "default": "en"},
            )
        },
        Texts,
    ),
    "image_size: a class, named by its title, or an enum": Written(
        {
            "PainterInput": component(
                "Sized",
                image_size={
                    "anyOf": [A_SIZE, {"type": "string", "enum": ["square_hd", "square", "landscape_4_3"]}],
                    "default": "landscape_4_3",
                },
                other={"anyOf": [A_SIZE, {"type": "string", "enum": ["auto"]}]},
            ),
            "PainterImageSize": SIZE,
        },
        Sized,
    ),
    "branches for null": Written(
        {
            "PainterInput": component(
                "Nullable",
                "needed",
                text={"anyOf": [STRING, NULL], "default": "a"},
                number={"anyOf": [INTEGER, NULL]},
                share={"anyOf": [{"type": "number", "minimum": 0}, NULL]},
                kind={"anyOf": [{"type": "string", "enum": ["a", "b"]}, NULL], "default": "a"},
                size={"anyOf": [A_SIZE, NULL]},
                names={"anyOf": [{"type": "array", "items": STRING}, NULL]},
                needed={"anyOf": [STRING, NULL]},
            ),
            "PainterImageSize": SIZE,
        },
        Nullable,
    ),
    "rarer unions": Written(
        {
            "PainterInput": component(
                "Unions",
                "prompts",
                prompts={"anyOf": [STRING, {"type": "array", "items": STRING}]},
                scale={"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "number"}], "default": 1.0},
                seed={"anyOf": [INTEGER, STRING, NULL]},
                where={
                    "oneOf": [{"type": "array", "items": INTEGER}, A_SIZE, {"type": "boolean"}],
                    "default": True,
                },
            ),
            "PainterImageSize": SIZE,
        },
        Unions,
    ),
    "nullable": Written(
        {
            "PainterInput": component(
                "Marked",
                "size",
                trigger_word={"type": "string", "nullable": True},
                language={"type": "string", "enum": ["de", "en"], "nullable": True, "default": "en"},
                size={"allOf": [A_SIZE], "nullable": True},
                names={"type": "array", "items": STRING, "nullable": True},
            ),
            "PainterImageSize": SIZE,
        },
        Marked,
    ),
    "allOf of one reference with siblings": Written(
        {
            "PainterInput": component(
                "Referred",
                "size",
                size={"title": "Size", "allOf": [A_SIZE]},
                other={"title": "Other", "allOf": [A_SIZE], "default": {"width": 512, "height": 512}},
                third={"$ref": f"{REF}PainterImageSize", "description": "a third"},
            ),
            "PainterImageSize": SIZE,
        },
        Referred,
    ),
    "URLs": Written(
        {
            "PainterInput": component(
                "Urls",
                "image_url",
                image_url=URI,
                any_url={"type": "string", "format": "uri", "minLength": 1},
                mask_url={"anyOf": [URI, NULL]},
                urls={"type": "array", "items": URI, "default": []},
            )
        },
        Urls,
    ),
    "uniqueItems": Written(
        {
            "PainterInput": component(
                "Sets",
                motions={
                    "type": "array",
                    "uniqueItems": True,
                    "items": {"type": "string", "enum": ["zoom-in", "zoom-out"]},
                    "default": ["zoom-in"],
                },
                numbers={"type": "array", "uniqueItems": True, "items": INTEGER, "maxItems": 3},
            )
        },
        Sets,
    ),
    "binary and uuid4": Written(
        {
            "PainterInput": component(
                "Files",
                file_data={"type": "string", "format": "binary"},
                style_id={"type": "string", "format": "uuid4"},
            )
        },
        Files,
    ),
    "lengths of lists, lists in lists": Written(
        {
            "PainterInput": component(
                "Lists",
                "image_urls",
                image_urls={"type": "array", "items": STRING, "minItems": 1, "maxItems": 3},
                points={"type": "array", "items": {"type": "array", "items": {"type": "number"}}, "default": []},
                anything={"type": "array", "items": {}, "default": []},
            )
        },
        Lists,
    ),
    "objects without properties": Written(
        {
            "PainterInput": component(
                "Maps",
                weights={"type": "object", "additionalProperties": {"type": "number"}, "default": {}},
                extra={"type": "object"},
                sizes={"type": "object", "additionalProperties": A_SIZE},
            ),
            "PainterImageSize": SIZE,
        },
        Maps,
    ),
    "classes in lists of classes": Written(
        {
            "PainterInput": component(
                "Nested",
                "elements",
                elements={"type": "array", "items": {"$ref": f"{REF}PainterElement"}},
                first={"anyOf": [{"$ref": f"{REF}PainterElement"}, {"$ref": f"{REF}PainterLora"}]},
            ),
            "PainterElement": component(
                "Element",
                loras={"type": "array", "items": {"$ref": f"{REF}PainterLora"}, "default": []},
                size=A_SIZE,
            ),
            "PainterLora": LORA,
            "PainterImageSize": SIZE,
        },
        Nested,
    ),
    "defaults of the wrong type": Written(
        {
            "PainterInput": component(
                "WrongDefault",
                num_frames={"type": "string", "enum": ["81", "129"], "default": 129},
                size={"type": "integer", "default": "large"},
            )
        },
        WrongDefault,
    ),
    "no type, a reference to nothing, a component without properties": Written(
        {
            "PainterInput": component(
                "Anything",
                "nothing",
                nothing={"title": "Nothing"},
                lost={"$ref": f"{REF}Lost"},
                plain={"$ref": f"{REF}PainterNames"},
            ),
            "PainterNames": {"type": "array", "items": STRING},
        },
        Anything,
    ),
    "recursion": Written(
        {
            "PainterInput": component(
                "Node",
                "name",
                name=STRING,
                children={"type": "array", "items": {"$ref": f"{REF}PainterInput"}, "default": []},
                next={"$ref": f"{REF}PainterInput"},
            )
        },
        Node,
    ),
    "no other keys": Written(
        {"PainterInput": {**component("Closed", "prompt", prompt=STRING), "additionalProperties": False}}, Closed
    ),
    "any other keys": Written(
        {"PainterInput": {**component("Open", "prompt", prompt=STRING), "additionalProperties": True}}, Open
    ),
    "no fields": Written({"PainterInput": component("Empty")}, Empty),
}
