"""Which parts of an output schema are files, and what makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.synthesis.outputs import made_files
from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.fits import fits
from falmock.synthesis.outputs.kinds import Kind
from falmock.synthesis.outputs.kinds import kind_by_name
from falmock.synthesis.outputs.kinds import kind_of_type
from falmock.synthesis.outputs.kinds import kind_of_url
from falmock.synthesis.outputs.normal import Normal
from falmock.synthesis.outputs.normal import normal
from falmock.synthesis.outputs.simple import Maker
from falmock.wire.hosts import CDN_HOST

Walk = Callable[..., Maker]
Path = tuple[str, ...]
_SHOWN = (Kind.PICTURE, Kind.FILM, Kind.SOUND, Kind.MESH)
_MAIN_MESH = "glb"
_LEFT_OUT = "file_data"
_SOME_URL = f"https://{CDN_HOST}/files/b/{'x' * 80}.mp4"
_Field = Callable[[made_files.Described, Asked, int], Any]


def is_file(document: Any, node: Normal, path: Path) -> bool:
    """Whether a schema is a file: an object with a `url`, or a text whose name says that it is a URL."""
    if node.kind == "object":
        return "url" in node.properties and fits(document, node.properties["url"], _SOME_URL)
    name = _name(path)
    named = name in ("url", "urls") or name.endswith(("_url", "_urls")) or node.schema.get("format") == "uri"
    return named and node.kind == "string" and fits(document, node.schema, _SOME_URL)


def is_left_out(document: Any, node: Normal, path: Path) -> bool:
    """Whether an optional file is not made: those for debugging, archives, and all forms of a mesh but the first."""
    name = _name(path)
    if len(path) > 2:
        return name != _MAIN_MESH
    return name.startswith("debug") or _kind(document, node, path)[0] not in _SHOWN


def file_maker(document: Any, node: Normal, path: Path, walk: Walk) -> Maker:
    """What makes a file and the object or the URL that stands for it; `walk` makes what is not known of files."""
    kind, content_type = _kind(document, node, path)
    name = _name(path).removesuffix("_url")
    if node.kind == "string":
        return lambda asked, _at: made_files.described(asked, kind, name, content_type).url
    fields = [(key, _field(document, node, key, kind, path, walk)) for key in node.properties if _is_told(node, key)]

    def make(asked: Asked, at: int) -> dict[str, Any]:
        file = made_files.described(asked, kind, name, content_type)
        return {key: made(file, asked, at) for key, made in fields}

    return make


def _is_told(node: Normal, key: str) -> bool:
    return key != _LEFT_OUT or key in node.required


def _field(document: Any, node: Normal, key: str, kind: Kind, path: Path, walk: Walk) -> _Field:
    """What makes a property from the file, or else from the call."""
    schema = node.properties[key]
    field = normal(document, schema)
    required = key in node.required
    known = made_files.field(key, field.kind, kind)
    if key == "file_size" and required and field.kind == "integer":
        known = made_files.size_of
    # Pictures of fal's models have neither name nor size, as pydantic writes what nobody set.
    elif not required and (key == "file_size" or (key == "file_name" and kind is Kind.PICTURE)):
        return lambda _file, _asked, _at: None
    if known is None:
        other = walk(schema, (*path, key), required=required)
        return lambda _file, asked, at: other(asked, at)
    if key == "url" or not field.has_limits:
        return lambda file, _asked, _at: known(file)
    otherwise = walk(schema, (*path, key), required=required)

    def make(file: made_files.Described, asked: Asked, at: int) -> Any:
        value = known(file)
        return value if fits(document, schema, value) else otherwise(asked, at)

    return make


def _kind(document: Any, node: Normal, path: Path) -> tuple[Kind, str]:
    """Kind and media type of a file: by the example's name, by class or name; the class may name the media type."""
    default = normal(document, node.properties.get("content_type")).schema.get("default")
    usual = default if isinstance(default, str) else ""
    known = kind_of_type(usual)
    if known is not None:
        return known, usual
    example = _example(node)
    found = kind_of_url(example) if example else None
    if found is not None:
        return found
    name = next((each for each in reversed(path) if each and each != "url"), "")
    named = kind_by_name(name.removesuffix("_url").removesuffix("_urls"), node.title)
    if named is None:
        outer = (kind_by_name(each, "") for each in reversed(path[:-1]) if each)
        named = next((each for each in outer if each is not None), Kind.DATA)
    return named, named.value


def _example(node: Normal) -> str:
    """The URL of the first example; empty if there is none."""
    listed = node.schema.get("examples")
    example = listed[0] if isinstance(listed, list) and listed else node.schema.get("example")
    if isinstance(example, list) and example:
        example = example[0]
    url = example.get("url") if isinstance(example, dict) else example
    return url if isinstance(url, str) else ""


def _name(path: Path) -> str:
    return next((each for each in reversed(path) if each), "")
