"""Loads YAML as texts, bytes, lists and mappings, and nothing that makes more of a file than it holds.

vcrpy writes a body like `1e3` or `yes` without quotes. What it is in YAML depends on the version; here it is that text.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode

from falmock.recording.captures.capture import NotACapture

_TAG = "tag:yaml.org,2002:{}"
_MERGE = _TAG.format("merge")
_TEXTS = ("bool", "int", "float", "timestamp", "value")
"""What a text without quotes may be taken for."""


class _PlainConstructor(SafeConstructor):
    """A safe constructor without what lets a few lines grow without end: merged mappings, and keys that are lists.

    Aliases are allowed: vcrpy writes them for equal headers, and an alias is one object however often it is named.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - ruamel.yaml's signature
        """A mapping with plain keys. Raises ConstructorError."""
        for key, _ in node.value:
            if key.tag == _MERGE or not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "found a key that is not a plain value", key.start_mark)
        return super().construct_mapping(node, deep=deep)


for _kind in _TEXTS:
    _PlainConstructor.add_constructor(_TAG.format(_kind), SafeConstructor.construct_yaml_str)


def load(text: str) -> Any:
    """The value of a YAML document. Raises NotACapture."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _PlainConstructor
    yaml.composer.warn_double_anchors = False  # YAML 1.2 lets an anchor be used again
    try:
        return yaml.load(text)
    except YAMLError as error:
        raise NotACapture(f"expected a cassette of vcrpy (YAML), found {_described(error)}") from None
    except RecursionError:
        raise NotACapture("expected a cassette of vcrpy (YAML), found YAML that is nested too deep") from None


def _described(error: YAMLError) -> str:
    """What is wrong, and in which line, in one line."""
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f" in line {mark.line + 1}"
    return f"an error{where}: {' '.join(problem.split())[:200]}"
