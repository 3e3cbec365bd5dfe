"""`python -m falmock.cli` is `falmock`."""

from __future__ import annotations

import sys

from falmock.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
