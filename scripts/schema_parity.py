"""Compares falmock's checks of inputs with pydantic's, over a folder of models' OpenAPI documents.

For each document, classes are made with `pydantic.create_model` from annotations, as the author of the app would have written
them. Both sides check the same drawn inputs: verdicts, bodies of the 422 and accepted values are to be equal.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import Optional
from typing import Union

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]

from fastapi.encoders import jsonable_encoder  # noqa: E402
from pydantic import UUID4  # noqa: E402
from pydantic import AnyUrl  # noqa: E402
from pydantic import BaseModel  # noqa: E402
from pydantic import ConfigDict  # noqa: E402
from pydantic import Field  # noqa: E402
from pydantic import HttpUrl  # noqa: E402
from pydantic import TypeAdapter  # noqa: E402
from pydantic import ValidationError  # noqa: E402
from pydantic import create_model  # noqa: E402

from falmock.synthesis.checks.core_schema import Unresolvable  # noqa: E402
from falmock.synthesis.checks.detail import body_of  # noqa: E402
from falmock.synthesis.checks.input_check import InputCheck  # noqa: E402
from falmock.synthesis.checks.input_check import input_check  # noqa: E402
from falmock.wire.formats import jsontext  # noqa: E402
from unit.synthesis.checks.drawn_inputs import Drawer  # noqa: E402

LIMITS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "pattern": "pattern",
}
SURROGATE = re.compile("[\ud800-\udfff]")
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}


class Counts(NamedTuple):
    """What came of one document's inputs."""

    inputs: int = 0
    refused: int = 0
    verdicts: int = 0
    bodies: int = 0
    values: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(*map(sum, zip(self, other, strict=True)))

    @property
    def differ(self) -> bool:
        return bool(self.verdicts or self.bodies or self.values)


class Judge:
    """The classes that a document was made from, as far as it tells."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document.get("components", {}).get("schemas", {})
        self._classes: dict[str, Any] = {}

    def adapter(self, schema: dict[str, Any]) -> TypeAdapter[Any]:
        return TypeAdapter(self._annotation(schema))

    def _annotation(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return Any
        found = self._not_null(schema)
        return Optional[found] if schema.get("nullable") else found  # noqa: UP045 - made while it runs

    def _not_null(self, schema: dict[str, Any]) -> Any:
        if len(schema.get("allOf", ())) == 1:
            return self._annotation(schema["allOf"][0])
        if "$ref" in schema:
            return self._component(schema["$ref"].rpartition("/")[2])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return Union[tuple(self._annotation(branch) for branch in schema[key])]  # noqa: UP007
        if "enum" in schema:
            return Literal[tuple(schema["enum"])]
        if "const" in schema:
            return Literal[schema["const"]]
        return self._of_type(schema)

    def _of_type(self, schema: dict[str, Any]) -> Any:
        kind, form = schema.get("type"), schema.get("format")
        limits = {name: schema[key] for key, name in LIMITS.items() if key in schema}
        if form == "uri":
            return HttpUrl if schema.get("maxLength") == 2083 else AnyUrl
        if form in {"binary", "uuid4"}:
            return bytes if form == "binary" else UUID4
        if kind in TYPES:
            return Annotated[TYPES[kind], Field(**limits)] if limits else TYPES[kind]
        if kind == "array":
            item = self._annotation(schema.get("items"))
            whole = set[item] if schema.get("uniqueItems") else list[item]  # type: ignore[valid-type]
            return Annotated[whole, Field(**limits)] if limits else whole
        if "properties" in schema:
            return self._class(schema, "Object")
        if kind == "object":
            return dict[str, self._annotation(schema.get("additionalProperties"))]  # type: ignore[misc]
        return Any

    def _component(self, name: str) -> Any:
        if name not in self._classes:
            schema = self._components.get(name)
            if isinstance(schema, dict) and "properties" in schema:
                self._classes[name] = self._class(schema, name)
            else:
                self._classes[name] = self._annotation(schema)
        return self._classes[name]

    def _class(self, schema: dict[str, Any], name: str) -> type[BaseModel]:
        properties = schema["properties"]
        order = dict.fromkeys([*schema.get("x-fal-order-properties", ()), *properties])
        fields: dict[str, Any] = {}
        for place, key in enumerate(key for key in order if key in properties):
            hint, given = self._annotation(properties[key]), properties[key].get("default")
            if key in schema.get("required", ()):
                given = ...
            elif given is None:
                hint = Optional[hint]  # noqa: UP045
            # Some names are not those of fields in pydantic; errors have the alias anyway.
            fields[f"field_{place}"] = (hint, Field(given, alias=key))
        config = ConfigDict(title=schema.get("title", name))
        return create_model(schema.get("title", name), __config__=config, **fields)  # type: ignore[no-any-return]


def judged(adapter: TypeAdapter[Any], value: Any) -> tuple[Any, bytes]:
    """The accepted value and b"", or None and the body, as FastAPI makes them."""
    try:
        accepted = adapter.validate_python(value, from_attributes=True)
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        body = _expressible({"detail": jsonable_encoder(errors)})
        return None, json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return _comparable(accepted.model_dump(by_alias=True, warnings=False)), b""


def _expressible(value: Any) -> Any:
    """Null for what JSON and UTF-8 cannot express, where FastAPI answers 500."""
    if isinstance(value, dict):
        return None if None in map(_expressible, value) else {key: _expressible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_expressible(item) for item in value]
    if isinstance(value, str):
        return value if value.isascii() or not SURROGATE.search(value) else None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, set):
        return sorted(map(_comparable, value), key=repr)
    if isinstance(value, bytes):
        return value.decode()
    return value if value is None or isinstance(value, str | int | float) else str(value)


def documents(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each document below a folder, with its endpoint id: files of one document, and pages of the Platform API."""
    for path in sorted(folder.rglob("*.json")):
        try:
            found = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            sys.exit(f"{path} cannot be read: {error}")
        if not isinstance(found, dict):
            continue
        for entry in found["models"] if isinstance(found.get("models"), list) else [{"openapi": found}]:
            document = entry.get("openapi")
            paths = document.get("paths") if isinstance(document, dict) else None
            posts = [name for name, item in (paths or {}).items() if "post" in item]
            if document and posts:
                yield posts[0].strip("/"), document


def compared(check: InputCheck, endpoint: str, document: dict[str, Any], count: int, examples: int) -> Counts:
    """Draw `count` inputs for a document and compare; shows so many of those that differ."""
    schema = document["paths"][f"/{endpoint}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    adapter = Judge(document).adapter(schema)
    drawer = Drawer(document, Random(zlib.crc32(endpoint.encode())))
    counts = Counts()
    for _ in range(count):
        value = drawer.body(schema)
        if value is None:
            continue  # a body of null never gets to pydantic
        accepted, body = judged(adapter, value)
        said = check.check(value)
        own = jsontext.dump_model(body_of(said.problems)) if said.problems else b""
        verdict = bool(body) != bool(own)
        differs = Counts(
            1,
            bool(body),
            verdict,
            not verdict and body != own,
            not (body or own) and repr(accepted) != repr(said.value),
        )
        counts = counts.plus(differs)
        if differs.differ and examples > 0:
            examples -= 1
            print(
                f"\n{endpoint}: {json.dumps(value)[:600]}\n  pydantic: {body or accepted!r}\n  falmock:  {own or said.value!r}"
            )
    return counts


def main() -> int:
    """Compare; returns the exit status: 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="scripts/schema-parity", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="with one document a file, or pages of the Platform API (JSON)")
    parser.add_argument("--inputs", type=int, default=200, help="how many are drawn for each document (default 200)")
    parser.add_argument(
        "--examples", type=int, default=1, help="how many differences are shown for each document (default 1)"
    )
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # pydantic's, about names of fields and types of defaults
    start, total, seen, different = time.monotonic(), Counts(), 0, 0
    unresolvable: list[str] = []
    for endpoint, document in documents(asked.folder):
        seen += 1
        try:
            check = input_check(document, endpoint)
            counts = compared(check, endpoint, document, asked.inputs, asked.examples)
        except (Unresolvable, RecursionError) as error:  # the judge has no classes that contain themselves; nor has fal
            unresolvable.append(f"{endpoint}: {error}")
            continue
        total = total.plus(counts)
        if counts.differ:
            different += 1
            print(f"{endpoint}: {_differences(counts)}")
        if seen % 100 == 0:
            print(f"{seen} documents, {total.inputs} inputs, {time.monotonic() - start:.0f} s", flush=True)
    for line in unresolvable:
        print(f"cannot be checked: {line}")
    if not seen:
        parser.error(f"there is no OpenAPI document of a model in {asked.folder}")
    print(
        f"{seen} documents, {len(unresolvable)} of them without an input that can be checked; {total.inputs} inputs, "
        f"{total.refused} refused; {_differences(total)}; {different} documents with differences; "
        f"{time.monotonic() - start:.0f} s"
    )
    return 1 if total.differ else 0


def _differences(counts: Counts) -> str:
    return f"{counts.verdicts} verdicts, {counts.bodies} bodies and {counts.values} accepted values differ"


if __name__ == "__main__":
    sys.exit(main())
