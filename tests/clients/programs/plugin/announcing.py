"""A falmock that says a line when it is "ready", and nothing else."""

from __future__ import annotations

import os
import sys

os.write(int(os.environ["FALMOCK_READY_FD"]), sys.argv[1].encode() + b"\n")
