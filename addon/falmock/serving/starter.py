"""The environment variables by which a program that starts falmock speaks with it. Nothing is imported here: it starts programs fast."""

from __future__ import annotations

READY = "FALMOCK_READY_FD"
"""The number of the descriptor to which falmock writes when it is ready; see `ready`."""
STARTED_AS = "FALMOCK_STARTED_AS"
"""The command of the program, for falmock's messages; `{mode}` stands for the mode."""
WORKER = "FALMOCK_WORKER"
"""What one of several workers is told by the process that starts it; see `falmock.cli.launch.workers.assignment`."""
