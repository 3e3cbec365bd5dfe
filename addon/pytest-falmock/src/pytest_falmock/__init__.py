"""Tests that call fal.ai, answered by falmock."""

from __future__ import annotations

from pytest_falmock.errors import FalmockError
from pytest_falmock.mock import Falmock
from pytest_falmock.mock import Job
from pytest_falmock.types import Call
from pytest_falmock.types import Expected
from pytest_falmock.types import JobState

__version__ = "0.1.0"
__all__ = ["Call", "Expected", "Falmock", "FalmockError", "Job", "JobState"]
