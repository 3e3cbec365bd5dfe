"""The app of `python_sync` with an impatient client: it tries as often as ever, and waits a hundredth of the time between."""

from __future__ import annotations

from typing import Any

import python_sync
from fal_client import client

_delay = client._get_retry_delay


def _hasty(*args: Any, **options: Any) -> float:
    return _delay(*args, **options) / 100


client._get_retry_delay = _hasty

if __name__ == "__main__":
    python_sync.main()
