"""`python -m falmock.cli` is `falmock`."""

from __future__ import annotations

import sys

from falmock.cli.main import main

sys.exit(main())
