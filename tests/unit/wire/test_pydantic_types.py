from __future__ import annotations

import re

import pytest

from falmock.wire import errors
from falmock.wire.error_table import MODEL
from falmock.wire.pydantic_types import TYPES
from falmock.wire.pydantic_types import URL


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_type_of_pydantics_leads_to_pydantic(name: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
    (entry,) = errors.model_error(name, "no")["detail"]
    assert entry["url"] == f"https://docs.pydantic.dev/2.10/v/{name}" == URL + name


@pytest.mark.parametrize("name", ["greater_than", "multiple_of", "value_error", "my_own", ""])
def test_all_others_lead_to_fal(name: str) -> None:
    (entry,) = errors.model_error(name, "no")["detail"]
    assert entry["url"] == f"https://docs.fal.ai/errors#{name}"


def test_the_named_errors_that_are_pydantics() -> None:
    assert set(MODEL) & TYPES == {"missing", "string_type", "int_parsing", "literal_error"}
