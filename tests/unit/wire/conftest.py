"""Property tests are not timed: a busy machine is no fault."""

from __future__ import annotations

from hypothesis import HealthCheck
from hypothesis import settings

settings.register_profile("unhurried", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("unhurried")
