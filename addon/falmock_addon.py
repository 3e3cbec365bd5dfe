"""The file `mitmdump -s` takes. Everything lives in the package beside it."""

import logging
import sys

from mitmproxy.version import VERSION

from falmock.proxy.requirements import unmet

addons = []
if problem := unmet(sys.version_info[:3], VERSION):
    # mitmproxy ends with exit code 1 when an error is logged while it starts. An exception would be a traceback,
    # and 11.0.2 swallows SystemExit and goes on as an open proxy.
    logging.getLogger(__name__).error(problem)
else:
    from falmock.proxy.addon import Falmock

    addons = [Falmock()]
