"""The script for `mitmdump -s`. The code is in the package beside it."""

import logging
import sys

from mitmproxy.version import VERSION

from falmock.proxy.requirements import unmet

addons = []
if problem := unmet(sys.version_info[:3], VERSION):
    # mitmproxy exits with code 1 if an error is logged while it starts. It would show an exception as a traceback,
    # and 11.0.2 ignores SystemExit and continues as an open proxy.
    logging.getLogger(__name__).error(problem)
else:
    from falmock.proxy.addon import Falmock

    addons = [Falmock()]
